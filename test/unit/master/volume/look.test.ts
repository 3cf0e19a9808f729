import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findObstacle } from '../../../../src/master/volume/look.ts';
import { openVolume } from '../../../../src/master/volume/open.ts';

let mount: string;
let directory: string;
beforeEach(() => {
  mount = mkdtempSync(join(tmpdir(), 'ftctest-volume-'));
  directory = join(mount, 'a-job');
});
afterEach(() => rmSync(mount, { recursive: true }));

const look = () => findObstacle({ mount, directory });
const open = () =>
  openVolume({
    job: 'a-job',
    mount,
    policy: { directory, every: 10, keep: 3, pinEvery: null },
    place: { type: 'volume', name: 'v', image: 'i' },
    container: 'c1',
  });

describe('a volume', () => {
  it('that is empty, or as a job has left it, can be used, and nothing is left in it', async () => {
    await expect(look()).resolves.toBeNull();
    mkdirSync(join(directory, 'journal'), { recursive: true });
    mkdirSync(join(directory, 'step-00000010'));
    writeFileSync(join(directory, 'step-00000010/state.pt'), 'x');
    writeFileSync(join(directory, 'journal/journal.jsonl'), '{"type":"wanted","wanted":2}\n');
    await expect(look()).resolves.toBeNull();
    expect(readdirSync(directory).sort()).toEqual(['journal', 'step-00000010']);
    await expect(open()).resolves.toMatchObject({ trouble: null, blind: false, entries: [{ wanted: 2 }] });
  });

  it('with something odd in the place of a file or folder is refused by its name', async () => {
    writeFileSync(directory, 'a file');
    await expect(look()).resolves.toEqual({ path: 'a-job', folder: true, problem: { kind: 'odd' } });
    rmSync(directory);
    mkdirSync(join(directory, 'journal'), { recursive: true });
    for (const path of ['.lock', 'metrics.jsonl', 'once.jsonl', 'journal/journal.jsonl']) {
      execFileSync('mkfifo', [join(directory, path)]);
      await expect(look()).resolves.toEqual({
        path: `a-job/${path}`,
        folder: false,
        problem: { kind: 'odd' },
      });
      await expect(open()).resolves.toMatchObject({
        trouble: { job: 'a-job', obstacle: { problem: { kind: 'odd' } } },
      });
      rmSync(join(directory, path));
    }
    mkdirSync(join(directory, 'LATEST'));
    await expect(look()).resolves.toMatchObject({ path: 'a-job/LATEST', problem: { kind: 'odd' } });
  });

  it('with a journal that nobody can read all of is refused, and the workers are asked', async () => {
    mkdirSync(join(directory, 'journal'), { recursive: true });
    const journal = join(directory, 'journal/journal.jsonl');
    writeFileSync(journal, '');
    truncateSync(journal, 2 ** 40);
    await expect(open()).resolves.toMatchObject({
      blind: true,
      trouble: {
        obstacle: { path: 'a-job/journal/journal.jsonl', problem: { kind: 'tooLarge', bytes: 2 ** 40 } },
      },
    });
  });

  it('is not looked at by a master that comes back to a job under way', async () => {
    mkdirSync(join(directory, 'journal'), { recursive: true });
    writeFileSync(join(directory, 'journal/journal.jsonl'), '{"type":"run","container":"c1","at":1}\n');
    execFileSync('mkfifo', [join(directory, '.lock')]);
    await expect(open()).resolves.toMatchObject({ trouble: null, entries: [{ type: 'run' }] });
  });
});

// Root may write to everything.
it.skipIf(process.getuid?.() === 0)('replaces a file that it may read and not write', async () => {
  mkdirSync(directory);
  const path = join(directory, 'metrics.jsonl');
  writeFileSync(path, 'kept');
  chmodSync(path, 0o444);
  await expect(look()).resolves.toBeNull();
  expect(statSync(path).mode & 0o777).toBe(0o644);
});
