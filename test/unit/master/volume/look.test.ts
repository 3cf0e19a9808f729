import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findObstacle } from '../../../../src/master/volume/look.ts';
import { openVolume } from '../../../../src/master/volume/open.ts';
import { openOwnPlace } from '../../../../src/master/volume/own-place.ts';

let mount: string;
let directory: string;
/** The master's own folder, and those of the keys in it. */
let state: string;
let warnings: string[];
beforeEach(() => {
  mount = mkdtempSync(join(tmpdir(), 'ftctest-volume-'));
  directory = join(mount, 'a-job');
  state = mkdtempSync(join(tmpdir(), 'ftctest-state-'));
  for (const folder of ['w', 's']) mkdirSync(join(state, folder));
  warnings = [];
});
afterEach(() => {
  rmSync(mount, { recursive: true });
  rmSync(state, { recursive: true });
});

const look = () => findObstacle({ mount, directory });
const open = () =>
  openVolume({
    job: 'a-job',
    mount,
    policy: { directory, every: 10, keep: 3, pinEvery: null },
    place: { type: 'volume', name: 'v', image: 'i' },
    own: openOwnPlace({
      job: 'a-job',
      folders: { state, keys: { worker: join(state, 'w'), supervisor: join(state, 's') } },
      place: folder => ({ type: 'volume', name: basename(folder), image: 'i' }),
      warn: text => warnings.push(text),
    }),
    container: 'c1',
  });

describe('a volume', () => {
  it('that is empty, or as a job has left it, can be used, and nothing is left in it', async () => {
    await expect(look()).resolves.toBeNull();
    mkdirSync(join(directory, 'step-00000010'), { recursive: true });
    writeFileSync(join(directory, 'step-00000010/state.pt'), 'x');
    await expect(look()).resolves.toBeNull();
    expect(readdirSync(directory).sort()).toEqual(['step-00000010']);
    await expect(open()).resolves.toMatchObject({ trouble: null, blind: false, entries: [] });
  });

  it('with something odd in the place of a file or folder is refused by its name', async () => {
    writeFileSync(directory, 'a file');
    await expect(look()).resolves.toEqual({ path: 'a-job', folder: true, problem: { kind: 'odd' } });
    rmSync(directory);
    mkdirSync(directory);
    for (const path of ['.lock', 'metrics.jsonl', 'once.jsonl', 'returned.json', 'trail.jsonl']) {
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
    const journal = inState('');
    truncateSync(journal, 2 ** 40);
    await expect(open()).resolves.toMatchObject({
      blind: true,
      trouble: {
        place: { name: basename(state) },
        obstacle: { path: 'journal.jsonl', problem: { kind: 'tooLarge', bytes: 2 ** 40 } },
      },
    });
  });

  it('is not looked at by a master that comes back to a job under way', async () => {
    inState('{"type":"run","container":"c1","at":1}\n');
    mkdirSync(directory);
    execFileSync('mkfifo', [join(directory, '.lock')]);
    await expect(open()).resolves.toMatchObject({ trouble: null, entries: [{ type: 'run' }] });
  });
});

/** A journal in the master's own folder. */
function inState(text: string): string {
  const path = join(state, 'journal.jsonl');
  writeFileSync(path, text);
  return path;
}

describe('a journal among the checkpoints, as masters of before kept it', () => {
  const wanted = (count: number) => `{"type":"wanted","wanted":${count}}\n`;
  const among = (text: string): string => {
    mkdirSync(join(directory, 'journal'), { recursive: true });
    const path = join(directory, 'journal/journal.jsonl');
    writeFileSync(path, text);
    return path;
  };

  it('is taken over once; what a script writes there later is not looked at', async () => {
    among(wanted(2));
    await expect(open()).resolves.toMatchObject({
      entries: [{ wanted: 2 }],
      path: join(state, 'journal.jsonl'),
    });
    among(wanted(500));
    await expect(open()).resolves.toMatchObject({ entries: [{ wanted: 2 }] });
    rmSync(join(state, 'journal.jsonl'));
    await expect(open()).resolves.toMatchObject({ entries: [], trouble: null });
  });

  it('is refused by its own name where a number in it is poisoned', async () => {
    const path = among(`${wanted(2)}{"type":"wanted","wanted":1e300}\n`);
    await expect(open()).resolves.toMatchObject({ path, poisoned: '"wanted" is 1e+300 in line 2' });
  });

  it('stops nobody where it is a FIFO, too large, or a link to something else', async () => {
    const path = among('');
    truncateSync(path, 2 ** 40);
    await expect(open()).resolves.toMatchObject({ entries: [], trouble: null });
    rmSync(path);
    rmSync(join(state, 'secret'));
    execFileSync('mkfifo', [path]);
    await expect(open()).resolves.toMatchObject({ entries: [], trouble: null });
  });
});

describe("the job's secret", () => {
  const key = (role: string): { key: string; master: string } =>
    JSON.parse(readFileSync(join(state, role, 'key.json'), 'utf8')) as { key: string; master: string };

  it('is made once, only for its owner to read, and each role has a key of its own', async () => {
    await open();
    const [first, w, s] = [readFileSync(join(state, 'secret'), 'utf8'), key('w'), key('s')];
    expect(statSync(join(state, 'secret')).mode & 0o777).toBe(0o600);
    expect([w.key === s.key, w.master === s.master]).toEqual([false, true]);
    for (const one of [w, s]) expect(Object.values(one)).not.toContain(first.trim());
    await open();
    expect([readFileSync(join(state, 'secret'), 'utf8'), key('w'), key('s'), warnings]).toEqual([
      first,
      w,
      s,
      [],
    ]);
  });

  it('is made anew where its file is damaged, and so are the keys; a key that was changed is put right', async () => {
    await open();
    const before = key('w');
    writeFileSync(join(state, 'secret'), 'half');
    await open();
    expect([key('w').key === before.key, key('w').master === before.master]).toEqual([false, false]);
    expect(warnings).toEqual([expect.stringContaining('damaged')]);
    const now = key('s');
    rmSync(join(state, 's/key.json'));
    symlinkSync('/etc/hostname', join(state, 's/key.json'));
    await open();
    expect([key('s'), lstatSync(join(state, 's/key.json')).isFile()]).toEqual([now, true]);
  });

  it('that cannot be kept fails the job with what to do, and says which volume it is', async () => {
    rmSync(join(state, 'w'), { recursive: true });
    writeFileSync(join(state, 'w'), 'no folder');
    const { trouble } = await open();
    expect(trouble).toMatchObject({ place: { name: 'w' }, obstacle: { path: '' } });
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
