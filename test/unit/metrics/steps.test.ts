import {
  appendFileSync,
  existsSync,
  statSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LastMetrics } from '../../../src/metrics/last.ts';
import type { StepLine } from '../../../src/api/step-line.ts';
import { lastStep, readSteps } from '../../../src/metrics/steps.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ftctest-metrics-'));
  path = join(folder, 'metrics.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true }));

async function read(after = -1): Promise<StepLine[]> {
  const found = [];
  for await (const lines of readSteps(path, after)) found.push(...lines);
  return found;
}
const steps = async (after = -1) => (await read(after)).map(({ step }) => step);
const line = (step: number, more: object = {}): string =>
  `${JSON.stringify({ step, epoch: 0, samples: step * 24, loss: 0.5, ...more })}\n`;
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

interface Vector {
  readonly name: string;
  readonly text: string;
  readonly steps: readonly number[];
}
const vectors = JSON.parse(readFileSync(join(import.meta.dirname, '../../vectors/metrics.json'), 'utf8')) as {
  readonly files: readonly Vector[];
};

describe('a file', () => {
  it.each(vectors.files)('is read as the worker reads it: $name', async vector => {
    writeFileSync(path, vector.text);
    expect(await steps()).toEqual(vector.steps);
    expect((await lastStep(path))?.step ?? null).toBe(vector.steps.at(-1) ?? null);
  });

  it('that is not there has no lines', async () => {
    await expect(read()).resolves.toEqual([]);
    await expect(lastStep(path)).resolves.toBeNull();
  });

  it('gives all numbers by name', async () => {
    writeFileSync(path, line(1, { acc: null, größe: 1e-7 }));
    await expect(read()).resolves.toEqual([
      { step: 1, epoch: 0, samples: 24, loss: 0.5, acc: null, größe: 1e-7 },
    ]);
  });

  it('is no link', async () => {
    writeFileSync(join(folder, 'other'), line(1));
    symlinkSync(join(folder, 'other'), path);
    await expect(read()).rejects.toThrow('is no plain file');
  });

  it('of steps above one begins near it, whatever is in the file', async () => {
    const piece = fc.oneof(
      { weight: 20, arbitrary: fc.integer({ min: 1, max: 9 }).map(gap => ({ gap })) },
      fc
        .constantFrom('\0'.repeat(300), '{"step":', '\n\n', 'x'.repeat(70_000), `"${'y'.repeat(9000)}"\n`)
        .map(text => ({ text })),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { minLength: 1, maxLength: 60 }),
        fc.nat(300),
        async (pieces, after) => {
          let step = 0;
          let text = '';
          const clean = [];
          for (const one of pieces) {
            if ('text' in one) text += `${one.text}\n`;
            else {
              step += one.gap;
              clean.push(step);
              text += line(step, { pad: step, [`p${'a'.repeat(20_000)}`]: 1 });
            }
          }
          writeFileSync(path, text);
          expect(await steps(after)).toEqual(clean.filter(one => one > after));
        },
      ),
      { numRuns: 40 },
    );
  });

  it.skipIf(!existsSync('/proc/self/io'))('that is large is not read whole for what is new', async () => {
    const bytesRead = () => Number(/^rchar: (\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
    writeFileSync(
      path,
      Buffer.from(
        upTo(300_000)
          .map(step => line(step))
          .join(''),
      ),
    );
    const before = bytesRead();
    expect(await steps(299_998)).toEqual([299_999, 300_000]);
    expect((await lastStep(path))?.step).toBe(300_000);
    expect((await read(150_000).then(found => found[0]))?.step).toBe(150_001);
    expect([statSync(path).size > 16e6, bytesRead() - before < 14e6]).toEqual([true, true]);
  });

  it('is read while it grows, in pieces', async () => {
    const all = upTo(20_000);
    writeFileSync(path, all.map(step => line(step)).join(''));
    const sizes = [];
    let count = 0;
    for await (const lines of readSteps(path, -1)) {
      sizes.push(lines.length);
      count += lines.length;
      appendFileSync(path, line(20_000 + sizes.length));
    }
    expect([count, Math.max(...sizes) < 8000]).toEqual([20_000, true]);
    await expect(steps(20_000)).resolves.toHaveLength(sizes.length);
  });

  it('may hold what is no line of any length', async () => {
    writeFileSync(path, line(1) + 'x'.repeat(9 << 20) + '\n' + line(2));
    await expect(steps()).resolves.toEqual([1, 2]);
  });
});

it('the newest line is looked at when it is asked for', async () => {
  const last = new LastMetrics(path);
  await last.look();
  expect(last.line).toBeNull();
  writeFileSync(path, line(1) + line(2, { acc: 0.5 }));
  await Promise.all([last.look(), last.look()]);
  expect(last.line).toEqual({ step: 2, epoch: 0, samples: 48, loss: 0.5, acc: 0.5 });
  appendFileSync(path, '{"step":3');
  await last.look();
  expect(last.line?.step).toBe(2);
});
