import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Manifest, parseManifest } from '../../../src/checkpoint/manifest.ts';

interface Vector {
  readonly name: string;
  readonly text?: string;
  readonly base64?: string;
  readonly expect?: object;
  readonly reason?: string;
}

const vectors = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../vectors/manifest.json'), 'utf8'),
) as { readonly valid: readonly Vector[]; readonly invalid: readonly Vector[] };
const bytesOf = ({ text, base64 }: Vector): Buffer =>
  base64 === undefined ? Buffer.from(text ?? '') : Buffer.from(base64, 'base64');

describe('the vectors of manifests', () => {
  it.each(vectors.valid)('read: $name', vector => {
    expect(parseManifest(bytesOf(vector))).toStrictEqual({
      metrics: {},
      finished: null,
      rules: 1,
      ...vector.expect,
    });
  });

  it.each(vectors.invalid)('refused: $name', vector => {
    const parse = () => parseManifest(bytesOf(vector));
    expect(parse).toThrow(vector.reason);
    expect(parse).toThrow(expect.objectContaining({ name: 'ManifestError' }));
  });

  it('name every field of the schema once as missing, but for those that may be', () => {
    const names = vectors.invalid.flatMap(({ name }) => /^without (\w+)$/.exec(name)?.[1] ?? []);
    expect([...names, 'data', 'metrics', 'finished', 'rules', 'seal'].sort()).toEqual(
      Object.keys(Manifest.shape).sort(),
    );
  });
});

it('keeps a reason short, however long the value is', () => {
  const text = JSON.stringify({ format: 1, job: 'x', step: 'y'.repeat(10_000) });
  expect(() => parseManifest(Buffer.from(text))).toThrow(/^manifest\.json: step is .{80}$/);
});
