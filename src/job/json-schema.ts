import { z } from 'zod';

/** The text of a JSON Schema for what `schema` takes, as editors and other languages read it. */
export function jsonSchema(schema: z.ZodType): string {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', target: 'draft-7' });
  return `${JSON.stringify({ $schema, ...rest }, null, 2)}\n`;
}
