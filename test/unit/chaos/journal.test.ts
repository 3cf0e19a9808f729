import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Entry, openFaults, parseEntries } from '../../../chaos/journal/entries.ts';
import { ChaosJournal, folderFor, readEntries } from '../../../chaos/journal/file.ts';
import { forgetProject } from '../../../src/runtime/docker/job/saved-project.ts';

const id = fc.nat({ max: 5 }).map(n => `ab12cd-${n}`);
const at = fc.nat();
const text = fc.string({ maxLength: 20 });
const name = fc.stringMatching(/^[a-z0-9][\w.-]{0,20}$/);
const record = fc.record({
  id,
  run: fc.constant('ab12cd'),
  project: name,
  fault: text,
  container: fc.record({
    id: fc.stringMatching(/^[0-9a-f]{64}$/),
    name,
    hostname: name,
    role: fc.constantFrom('master', 'supervisor', 'worker'),
    rank: fc.option(fc.nat()),
    startedAt: fc.option(fc.nat()),
  }),
  params: fc.dictionary(text, fc.oneof(text, fc.nat())),
  forMs: fc.option(fc.nat()),
  at,
  data: fc.jsonValue(),
});
const entry = fc.oneof(
  fc.record({ type: fc.constant('begin'), run: text, at, owner: text, command: text }),
  fc.record({ type: fc.constant('fault'), record }),
  fc.record({ type: fc.constant('applied'), id, at }),
  fc.record({ type: fc.constant('failed'), id, at, reason: text }),
  fc.record({ type: fc.constant('over'), id, at, note: fc.option(text) }),
  fc.record({ type: fc.constant('end'), run: text, at }),
) as fc.Arbitrary<Entry>;
/** As they are on disk: JSON has no -0. */
const stored = (entries: readonly Entry[]): unknown => JSON.parse(JSON.stringify(entries));

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'ftctest-journal-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a chaos journal', () => {
  it('gives back what was written, over several openings, whatever was torn at the end of each', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(entry, { maxLength: 5 }), { maxLength: 3 }),
        fc.nat({ max: 60 }),
        (runs, tear) => {
          const directory = folderFor([mkdtempSync(join(folder, 'run-'))]);
          const kept: Entry[] = [];
          for (const entries of runs) {
            const journal = new ChaosJournal(directory, 'job');
            for (const e of entries) journal.append(e);
            kept.push(...entries);
            journal.close();
            const half = JSON.stringify({ type: 'end', run: 'x'.repeat(80), at: 1 }).slice(0, tear + 1);
            appendFileSync(join(directory, '.ftc/job.chaos.jsonl'), half);
          }
          expect(readEntries(directory, 'job')).toEqual(stored(kept));
        },
      ),
      { numRuns: 30 },
    );
  });

  it('knows which faults may still be there, the newest first', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 30 }), entries => {
        const open = openFaults(entries).map(r => r.id);
        for (const each of new Set(entries.flatMap(e => (e.type === 'fault' ? [e.record.id] : [])))) {
          const last = entries.findLast(
            e =>
              (e.type === 'fault' && e.record.id === each) ||
              ((e.type === 'over' || e.type === 'failed') && e.id === each),
          );
          expect(open.includes(each)).toBe(last?.type === 'fault');
        }
        expect(new Set(open).size).toBe(open.length);
      }),
    );
  });

  it('skips and counts what it cannot read', () => {
    expect(parseEntries('{"type":"end","run":"a","at":1}\nnonsense\n{"type":"new"}\n\n')).toEqual({
      entries: [{ type: 'end', run: 'a', at: 1 }],
      skipped: 2,
    });
  });

  it('lies in the first folder that there is, unseen by git', () => {
    expect(folderFor([join(folder, 'gone'), folder])).toBe(folder);
    expect(readFileSync(join(folder, '.ftc/.gitignore'), 'utf8')).toBe('*\n');
    expect(() => folderFor([join(folder, 'gone')])).toThrow(
      expect.objectContaining({
        code: 'FTC_CANNOT',
        hint: expect.stringContaining('gone') as string,
      }) as Error,
    );
  });

  it('begins anew when it is large and nothing is open, and goes when its project does', () => {
    folderFor([folder]);
    const path = join(folder, '.ftc/job.chaos.jsonl');
    writeFileSync(path, `${JSON.stringify({ type: 'end', run: 'x'.repeat(2 ** 20), at: 1 })}\n`);
    new ChaosJournal(folder, 'job').close();
    expect(readEntries(folder, 'job')).toEqual([]);
    forgetProject(folder, 'job');
    forgetProject(folder, 'job');
    expect(() => readFileSync(path)).toThrow('ENOENT');
  });
});
