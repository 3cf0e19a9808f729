import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Entry, Journal, readJournal } from '../../../src/master/journal.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'ftctest-journal-')), 'deep');
  file = join(folder, 'journal.jsonl');
});
afterEach(() => rmSync(join(folder, '..'), { recursive: true }));

const member = { id: 'aa', host: '10.0.0.1', storePort: 1234, incarnation: 'x' };
const entries: Entry[] = [
  { type: 'run', container: 'c1', at: 1 },
  { type: 'generation', generation: 1, when: 'now', members: [member] },
  { type: 'wanted', wanted: 4 },
  { type: 'total', totalSteps: 500 },
  { type: 'total', totalSteps: 123, finished: 'the loss is low enough' },
  { type: 'checks', incarnation: 'x', before: 1234 },
  {
    type: 'diverged',
    mismatch: {
      ...{ generation: 1, step: 42, fromStep: 30, tensor: 'model.0.weight', position: [3, 1] },
      ...{ workers: ['aa'], action: 'returned', toStep: 40, at: 1.5 },
    },
  },
  { type: 'state', state: 'succeeded', reason: null, metrics: { accuracy: 0.9 } },
];
const append = (...more: Entry[]) => {
  const journal = new Journal(folder);
  for (const entry of more) journal.append(entry);
  journal.close();
};

it('is empty before it is written', () => {
  expect(readJournal(folder)).toEqual({ entries: [], skipped: 0 });
});

it('gives back what it was told, over restarts too', () => {
  append(...entries.slice(0, 2));
  append(...entries.slice(2));
  expect(readJournal(folder)).toEqual({ entries, skipped: 0 });
});

it('loses the last line at most, wherever a crash tears it, and none that follows', () => {
  append(...entries);
  const whole = readFileSync(file).length;
  const last = JSON.stringify(entries.at(-1)).length + 1;
  fc.assert(
    fc.property(fc.integer({ min: 2, max: last }), lost => {
      rmSync(file);
      append(...entries);
      truncateSync(file, whole - lost);
      append({ type: 'wanted', wanted: 7 });
      const read = readJournal(folder);
      expect(read.entries).toEqual([...entries.slice(0, -1), { type: 'wanted', wanted: 7 }]);
      // Nothing of the line was left, or a piece that is counted.
      expect(read.skipped).toBe(lost === last ? 0 : 1);
    }),
    { examples: [[2], [last]] },
  );
});

it('counts what it does not know, and goes on', () => {
  append(entries[0] as Entry);
  appendFileSync(file, '{"type":"of another version"}\nnot JSON\n{"type":"wanted","wanted":"four"}\n');
  append(entries[2] as Entry);
  expect(readJournal(folder)).toEqual({ entries: [entries[0], entries[2]], skipped: 3 });
});

it('keeps what the disk does not take, and writes it in order when it does', () => {
  mkdirSync(folder);
  execFileSync('mkfifo', [file]);
  const journal = new Journal(folder);
  const [first, second, ...rest] = entries as [Entry, Entry, ...Entry[]];
  const odd = expect.objectContaining({ code: 'NOTPLAIN' }) as Error;
  expect(() => journal.append(first)).toThrow(odd);
  expect(() => journal.append(second)).toThrow(odd);
  expect(() => journal.flush()).toThrow(odd);
  expect(journal.waiting).toBe(2);
  rmSync(file);
  journal.flush();
  expect([journal.waiting, readJournal(folder).entries]).toEqual([0, [first, second]]);
  for (const entry of rest) journal.append(entry);
  journal.close();
  expect(readJournal(folder)).toEqual({ entries, skipped: 0 });
});

it('says with the first entry where it cannot be written', () => {
  writeFileSync(folder, 'a file');
  const journal = new Journal(folder);
  expect(() => journal.append(entries[0] as Entry)).toThrow(
    expect.objectContaining({ code: 'EEXIST' }) as Error,
  );
});

it('is read from a plain file of a bounded size only, and waits for nobody', () => {
  mkdirSync(folder);
  execFileSync('mkfifo', [file]);
  expect(() => readJournal(folder)).toThrow('is no plain file');
  rmSync(file);
  symlinkSync('/dev/zero', file);
  expect(() => readJournal(folder)).toThrow('is no plain file');
  expect(() => new Journal(folder).append(entries[0] as Entry)).toThrow('is no plain file');
  rmSync(file);
  writeFileSync(file, '');
  truncateSync(file, 100 * 2 ** 30);
  expect(() => readJournal(folder)).toThrow('has 107374182400 bytes, and at most 67108864 are read');
});
