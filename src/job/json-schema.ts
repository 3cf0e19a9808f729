import { z } from 'zod';
import { JobFile } from './schema.ts';

/** The text of schema/ftc.schema.json, which editors use. */
export function jsonSchema(): string {
  const { $schema, ...rest } = z.toJSONSchema(JobFile, { io: 'input', target: 'draft-7' });
  return `${JSON.stringify({ $schema, ...rest }, null, 2)}\n`;
}
