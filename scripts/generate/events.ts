/** The reference of a job's events: a row for each fact, from its schema. */
import type { z } from 'zod';
import { kindOf } from '../../src/api/event.ts';
import { Fact } from '../../src/api/fact.ts';

const HEAD = `# Events

A job's events are what \`ftc up\` and \`ftc logs --events\` show, and what \`GET /events\` of the master answers with. \`ftc logs --events --json\` prints one
object a line: \`seq\`, \`at\` (milliseconds since the epoch), \`kind\`, \`level\` (\`info\`, \`warn\` or \`error\`), \`generation\`, \`worker\`, \`rank\`, \`step\`, the \`fact\`
and the same as a sentence in \`text\`. Some events have more lines in \`detail\`. Programs read the fact: sentences may change with any version.

The table is made from the schema (\`src/api/fact.ts\`). Names that end in \`Ms\` are milliseconds, steps are committed steps, and a \`name\` is that of
a container.
`;

/** A Markdown page. */
export function eventsPage(): string {
  const rows = Fact.options.map(option => {
    const { what, ...fields } = option.shape as Record<string, z.core.$ZodType>;
    const name = (what as z.ZodLiteral<Fact['what']>).value;
    const told = Object.entries(fields).map(([key, type]) => `\`${key}\`: ${typeName(type)}`);
    return `| \`${name}\` | \`${kindOf({ what: name } as Fact)}\` | ${told.join(', ')} |`;
  });
  return [HEAD, '| `fact.what` | `kind` | fields |', '| --- | --- | --- |', ...rows, ''].join('\n');
}

function typeName(type: z.core.$ZodType): string {
  const { def } = type._zod;
  switch (def.type) {
    case 'nullable':
      return `${typeName((def as z.core.$ZodNullableDef).innerType)} or null`;
    case 'default':
      return typeName((def as z.core.$ZodDefaultDef).innerType);
    case 'pipe':
      return typeName((def as z.core.$ZodPipeDef).in);
    case 'array':
      return `list of ${typeName((def as z.core.$ZodArrayDef).element)}`;
    case 'enum':
      return Object.values((def as z.core.$ZodEnumDef).entries)
        .map(value => `\`${value}\``)
        .join(', ');
    case 'union':
      return `one of ${(def as z.core.$ZodUnionDef).options.map(typeName).join(', ')}`;
    case 'object': {
      const { shape } = def as z.core.$ZodObjectDef;
      return `{${Object.entries(shape)
        .map(([key, value]) => (value._zod.def.type === 'literal' ? literal(key, value) : key))
        .join(', ')}}`;
    }
    default:
      return def.type;
  }
}

const literal = (key: string, type: z.core.$ZodType): string =>
  `${key} ${(type._zod.def as z.core.$ZodLiteralDef<string>).values.map(value => `\`${value}\``).join(', ')}`;
