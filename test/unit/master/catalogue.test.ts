import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listCheckpoints, prunable, prune } from '../../../src/master/catalogue.ts';
import type { CheckpointRow } from '../../../src/master/status.ts';

describe('what may be pruned', () => {
  const row = fc.record({ complete: fc.boolean(), latest: fc.boolean() });
  const rows = fc
    .uniqueArray(fc.nat(10_000), { maxLength: 12 })
    .chain(steps => fc.tuple(...steps.map(step => row.map(r => checkpoint({ ...r, step })))));

  it('never takes a needed one, and leaves no more than are kept, and LATEST', () => {
    fc.assert(
      fc.property(rows, fc.integer({ min: 0, max: 6 }), (all, keep) => {
        const gone = prunable(all, keep);
        const complete = all.filter(r => r.complete).map(r => r.step);
        const newest = complete.sort((a, b) => b - a).slice(0, Math.max(1, keep));
        const named = all.filter(r => r.complete && r.latest).map(r => r.step);
        const left = complete.filter(step => !gone.includes(step));
        expect(new Set(left)).toEqual(new Set([...newest, ...named]));
        expect(gone.every(step => complete.includes(step))).toBe(true);
      }),
    );
  });
});

describe('a folder of checkpoints', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ftctest-catalogue-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const write = (step: number, manifest: unknown = manifestOf(step), state = 'abc') => {
    const path = join(folder, `step-${String(step).padStart(8, '0')}`);
    mkdirSync(path);
    writeFileSync(join(path, 'state.pt'), state);
    writeFileSync(
      join(path, 'manifest.json'),
      typeof manifest === 'string' ? manifest : JSON.stringify(manifest),
    );
  };
  const latest = (step: number) => writeFileSync(join(folder, 'LATEST'), `step-0000${step}\n`);

  it('that is not there has none', async () => {
    await expect(listCheckpoints(join(folder, 'none'))).resolves.toEqual([]);
  });

  it('is listed newest first, without what is no checkpoint', async () => {
    write(1000);
    write(2000);
    latest(2000);
    for (const name of ['.tmp-step-00003000-x', '.bad-step-00000500-1', 'journal', 'step-12'])
      mkdirSync(join(folder, name));
    await expect(listCheckpoints(folder)).resolves.toEqual([
      { ...checkpoint({ step: 2000, latest: true }), generation: 4, createdAt: manifestOf(0).createdAt },
      { ...checkpoint({ step: 1000 }), generation: 4, createdAt: manifestOf(0).createdAt },
    ]);
  });

  it('says what is wrong with a bad one', async () => {
    write(1000, '{"format": 1,');
    write(2000, { ...manifestOf(2000), format: 2 });
    write(3000, manifestOf(3000), 'ab');
    write(4000);
    rmSync(join(folder, 'step-00004000/state.pt'));
    write(5000);
    rmSync(join(folder, 'step-00005000/manifest.json'));
    const rows = await listCheckpoints(folder);
    expect(rows.map(r => [r.step, r.complete, r.problem])).toEqual([
      [5000, false, 'manifest is missing or unreadable'],
      [4000, false, 'state.pt is missing'],
      [3000, false, 'state.pt has 2 bytes instead of 3'],
      [2000, false, 'manifest is not of format 1'],
      [1000, false, 'manifest is missing or unreadable'],
    ]);
  });

  it('is pruned to the newest complete ones; bad ones, LATEST and the rest stay', async () => {
    for (const step of [1000, 2000, 3000, 4000, 5000]) write(step);
    rmSync(join(folder, 'step-00004000/state.pt'));
    latest(1000);
    mkdirSync(join(folder, 'journal'));
    await expect(prune(folder, 2)).resolves.toEqual([2000]);
    expect(readdirSync(folder).sort()).toEqual(
      ['LATEST', 'journal', ...[1000, 3000, 4000, 5000].map(step => `step-0000${step}`)].sort(),
    );
    await expect(prune(folder, 2)).resolves.toEqual([]);
  });
});

function checkpoint(of: Partial<CheckpointRow> & { step: number }): CheckpointRow {
  return {
    generation: 1,
    createdAt: null,
    bytes: 3,
    complete: true,
    problem: null,
    latest: false,
    ...of,
  };
}

function manifestOf(step: number) {
  return {
    format: 1,
    job: 'a-job',
    step,
    generation: 4,
    createdAt: '2026-01-01T00:00:00.000Z',
    files: { 'state.pt': { bytes: 3, sha256: '0'.repeat(64) } },
  };
}
