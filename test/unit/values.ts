/** Random values for property tests, made from a schema. */
import fc from 'fast-check';
import type { z } from 'zod';

/** Any value that a schema takes. */
export function any(schema: z.core.$ZodType): fc.Arbitrary<unknown> {
  const { def } = schema._zod;
  switch (def.type) {
    case 'object': {
      const { shape } = def as z.core.$ZodObjectDef;
      return fc.record(Object.fromEntries(Object.entries(shape).map(([key, value]) => [key, any(value)])));
    }
    case 'union':
      return fc.oneof(...(def as z.core.$ZodUnionDef).options.map(any));
    case 'literal':
      return fc.constantFrom(...(def as z.core.$ZodLiteralDef<string>).values);
    case 'enum':
      return fc.constantFrom(...Object.values((def as z.core.$ZodEnumDef).entries));
    case 'default':
      return any((def as z.core.$ZodDefaultDef).innerType);
    case 'nullable':
      return fc.oneof(fc.constant(null), any((def as z.core.$ZodNullableDef).innerType));
    case 'array':
      return fc.array(any((def as z.core.$ZodArrayDef).element), { minLength: 1, maxLength: 3 });
    case 'pipe':
      return any((def as z.core.$ZodPipeDef).in);
    case 'string':
      return fc.string();
    case 'boolean':
      return fc.boolean();
    case 'number':
      return fc.integer({ min: 1, max: 1e9 });
    default:
      throw new Error(`no values are known for ${def.type}`);
  }
}
