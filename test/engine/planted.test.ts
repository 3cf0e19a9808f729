/**
 * Somebody else plants files where a person works, or sends them a folder: no command acts on what they say. The attacker is
 * user 65534, the victim is root, as whoever may use the engine is.
 */
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ownPackage } from '../../src/package.ts';
import { docker, type Ended, TestJob, TINY } from './harness.ts';
import { smallImage } from './small-image.ts';

const NOBODY = 65534;
const JOB = 'script: train.py\nargs: ["0.1"]\nsteps: 100000\nworkers: 1\n';

let job: TestJob;
/** Of another project on the engine; it has ended. */
let stranger: { id: string; name: string };
const inJob = (...path: string[]): string => join(job.folder, ...path);

beforeAll(async () => {
  job = await TestJob.create('planted', JOB);
  job.write('train.py', readFileSync(TINY, 'utf8'));
  // With links, where ftc is about to write.
  mkdirSync(inJob('.ftc'));
  for (const [name, victim] of [
    [`${job.name}.yaml`, 'victim-1'],
    ['.gitignore', 'victim-2'],
  ] as const) {
    job.write(victim, 'whole');
    symlinkSync(inJob(victim), inJob('.ftc', name));
  }
  const up = await job.ftc('up', '-d');
  expect(up.code, up.stderr).toBe(0);
  const name = `${job.name}-stranger`;
  const labels = ['io.ftc.role=worker', `com.docker.compose.project=${name}`].flatMap(l => ['--label', l]);
  const made = await docker(
    'run',
    '--detach',
    '--name',
    name,
    ...labels,
    await smallImage(job.connection.docker),
    'true',
  );
  await docker('wait', name);
  stranger = { id: made.stdout.trim(), name };
});
afterAll(async () => {
  await docker('rm', '--force', `${job.name}-stranger`);
  await job.close();
});

/** A folder in the job's with a `.ftc` of its own: as in /tmp, or in an archive. `owner` is whose that is. */
function elsewhere(name: string, owner: number, files: Record<string, string>): string {
  const folder = inJob(name);
  mkdirSync(join(folder, '.ftc'), { recursive: true });
  for (const [file, text] of Object.entries(files)) {
    writeFileSync(join(folder, '.ftc', file), text);
    chownSync(join(folder, '.ftc', file), owner, owner);
  }
  chownSync(join(folder, '.ftc'), owner, owner);
  return folder;
}

/** A command in that folder, of this job or of another. */
async function at(folder: string, ...args: string[]): Promise<Ended> {
  const env = { JOB_ID: job.name, FTC_PORT: '0', NO_COLOR: '1' };
  const options = { cwd: folder, env, reject: false, stdin: 'ignore' } as const;
  const cli = join(ownPackage().root, 'dist/cli.js');
  const { exitCode, stdout, stderr } = await execa(process.execPath, [cli, ...args], options);
  return { code: exitCode, stdout, stderr };
}

/** Records of faults that were never done: undoing each would be the attack. */
function journal(proof: string): string {
  const container = {
    id: 'f'.repeat(64),
    name: 'x',
    hostname: 'x',
    role: 'worker',
    rank: null,
    startedAt: null,
  };
  const record = { run: 'r', project: job.name, container, params: {}, forMs: null, at: 0, data: {} };
  const damage = {
    act: 'damage',
    job: proof.slice(1),
    how: 'flip',
    step: null,
    part: null,
    keep: true,
    seed: 1,
  };
  const where = { source: '/', user: '0:0' };
  const records = [
    // Moves a file of the attacker's into a folder of root's.
    {
      ...record,
      id: 'evil-1',
      fault: 'corrupt-checkpoint',
      data: { act: { ...damage, checkpoint: '../rootonly', file: 'proof' }, ...where },
    },
    // Removes a file of root's.
    {
      ...record,
      id: 'evil-2',
      fault: 'disk-full',
      data: { act: { act: 'fill', job: proof.slice(1) }, ...where },
    },
    // Starts a container of another project, by its id and by its name.
    { ...record, id: 'evil-3', fault: 'kill', container: { ...container, id: stranger.id } },
    { ...record, id: 'evil-4', fault: 'kill', container: { ...container, id: stranger.name } },
    {
      ...record,
      id: 'evil-5',
      project: stranger.name,
      fault: 'kill',
      container: { ...container, id: stranger.id },
    },
  ];
  return records.map(r => `${JSON.stringify({ type: 'fault', record: r })}\n`).join('');
}

/** What the records of {@link journal} are about: all as it was. */
function proofIn(folder: string): () => Promise<void> {
  mkdirSync(join(folder, '.chaos-evil-1'));
  mkdirSync(inJob('rootonly'), { recursive: true });
  writeFileSync(join(folder, '.chaos-evil-1/proof'), 'planted');
  writeFileSync(join(folder, '.chaos-evil-2'), 'whole');
  return async () => {
    expect(readdirSync(inJob('rootonly'))).toEqual([]);
    expect(readFileSync(join(folder, '.chaos-evil-1/proof'), 'utf8')).toBe('planted');
    expect(readFileSync(join(folder, '.chaos-evil-2'), 'utf8')).toBe('whole');
    const { stdout } = await docker('inspect', '--format', '{{.State.Status}}', stranger.name);
    expect(stdout).toBe('exited');
  };
}

const containers = async (): Promise<string> =>
  (await docker('ps', '--all', '--quiet', '--filter', `label=com.docker.compose.project=${job.name}`)).stdout;
const privileged = (yaml: string): string =>
  yaml.replace('  worker:\n', '  worker:\n    privileged: true\n    pid: host\n');

it('"up" writes through no link', () => {
  for (const victim of ['victim-1', 'victim-2']) expect(readFileSync(inJob(victim), 'utf8')).toBe('whole');
  expect(readFileSync(inJob('.ftc', `${job.name}.yaml`), 'utf8')).toContain('services:');
});

describe('a planted chaos journal', () => {
  it.each([
    ['of another user', NOBODY, 6],
    ['in an archive that the victim has unpacked', 0, 5],
  ])('%s is root on no host', async (what, owner, code) => {
    const folder = elsewhere(`journal-${owner}`, owner, {});
    const whole = proofIn(folder);
    const file = join(folder, '.ftc', `${job.name}.chaos.jsonl`);
    writeFileSync(file, journal(folder));
    chownSync(file, owner, owner);
    // The folder of the job is fine: that of the command is told, and left out.
    const healed = await at(folder, 'chaos', 'heal', '--json');
    await whole();
    if (owner === NOBODY) {
      expect(healed.stderr).toContain(`${join(folder, '.ftc')} belongs to user ${NOBODY}`);
      expect(healed.stdout).toBe('[]');
      // Within a folder of one's own, the file alone.
      chownSync(join(folder, '.ftc'), 0, 0);
      const again = await at(folder, 'chaos', 'heal');
      expect(again.code, again.stderr).toBe(code);
      expect(again.stderr).toContain(`${file} belongs to user ${NOBODY}`);
    } else {
      expect(healed.code, what).toBe(code);
      const told = JSON.parse(healed.stdout) as { id: string; healed: boolean }[];
      expect(told.map(r => [r.id, r.healed])).toEqual([
        ['evil-5', false],
        ['evil-3', false],
        // Of the job's own volume: there it has nothing to undo.
        ['evil-2', true],
        ['evil-1', false],
      ]);
    }
    await whole();
  });

  it('behind a link is not looked at', async () => {
    const target = elsewhere('target', NOBODY, {});
    const whole = proofIn(target);
    writeFileSync(join(target, '.ftc', `${job.name}.chaos.jsonl`), journal(target));
    mkdirSync(inJob('linked'));
    symlinkSync(join(target, '.ftc'), inJob('linked/.ftc'));
    const healed = await at(inJob('linked'), 'chaos', 'heal');
    expect(healed.stderr).toContain(`${inJob('linked/.ftc')} is a link`);
    await whole();
  });
});

it('a planted project is not scaled: of another user, writable for all, a link, or from an archive', async () => {
  const file = inJob('.ftc', `${job.name}.yaml`);
  const yaml = readFileSync(file, 'utf8');
  expect(privileged(yaml)).not.toBe(yaml);
  const before = await containers();
  const refused = async (what: string, told: string): Promise<void> => {
    const scaled = await job.ftc('scale', 'worker=2');
    expect(scaled.code, what).toBe(6);
    expect(scaled.stderr, what).toContain(told);
    expect(await containers(), what).toBe(before);
  };
  writeFileSync(file, privileged(yaml));
  await refused('archive', 'is not how');
  chownSync(file, NOBODY, NOBODY);
  await refused('file', `${file} belongs to user ${NOBODY}`);
  chownSync(file, 0, 0);
  chmodSync(inJob('.ftc'), 0o777);
  await refused('folder', `${inJob('.ftc')} can be written by every user`);
  chmodSync(inJob('.ftc'), 0o700);
  renameSync(inJob('.ftc'), inJob('moved'));
  symlinkSync(inJob('moved'), inJob('.ftc'));
  await refused('link', `${inJob('.ftc')} is a link`);
  rmSync(inJob('.ftc'));
  renameSync(inJob('moved'), inJob('.ftc'));
  writeFileSync(file, yaml);
  const scaled = await job.ftc('scale', 'worker=2');
  expect(scaled.code, scaled.stderr).toBe(0);
});

it('a planted project tells nobody where checkpoints are, nor as whom they are removed', async () => {
  mkdirSync(inJob('precious/q/.tmp-gone-1'), { recursive: true });
  writeFileSync(inJob('precious/q/.tmp-gone-1/file'), 'whole');
  const yaml = `services: {master: {image: "ftc-control:${ownPackage().version}", user: "0:0",
    environment: {JOB_ID: q, CHECKPOINT_DIR: /c}, volumes: ["${inJob('precious')}:/c"]}}\n`;
  for (const owner of [NOBODY, 0]) {
    const folder = elsewhere(`prune-${owner}`, owner, { 'q.yaml': yaml });
    const pruned = await at(folder, 'checkpoints', 'prune', '--keep', '1', '--name', 'q');
    expect(pruned.code, pruned.stdout).not.toBe(0);
    expect(pruned.stderr).toContain(owner === NOBODY ? `belongs to user ${NOBODY}` : 'belongs to root');
    expect(readFileSync(inJob('precious/q/.tmp-gone-1/file'), 'utf8')).toBe('whole');
  }
});

it.each([['up'], ['verify', '--workers', '1']])(
  '"%s" starts nothing beside a .ftc of somebody else',
  async (...args) => {
    const name = `${job.name}-b`;
    const folder = elsewhere(`start-${args.join('-')}`, NOBODY, {});
    writeFileSync(join(folder, 'train.py'), readFileSync(TINY));
    for (const file of [`${name}.yaml`, '.gitignore'])
      symlinkSync(inJob('victim-1'), join(folder, '.ftc', file));
    const started = await at(folder, ...args, '--name', name, '--script', 'train.py', '--steps', '3');
    expect(started.code, started.stderr).toBe(6);
    expect(started.stderr).toContain(`${join(folder, '.ftc')} belongs to user ${NOBODY}, and this is root`);
    expect(started.stderr).toContain('chown');
    expect(readFileSync(inJob('victim-1'), 'utf8')).toBe('whole');
    const made = await docker(
      'ps',
      '--all',
      '--quiet',
      '--filter',
      `label=com.docker.compose.project=${name}`,
    );
    expect(made.stdout).toBe('');
  },
);

it('"down" removes the job, tells of what it leaves out, and undoes nothing of it', async () => {
  const folder = elsewhere('down', NOBODY, {});
  const whole = proofIn(folder);
  writeFileSync(join(folder, '.ftc', `${job.name}.chaos.jsonl`), journal(folder));
  const down = await at(folder, 'down', '--volumes');
  expect(down.code, down.stderr).toBe(0);
  expect(down.stderr).toContain(`${join(folder, '.ftc')} belongs to user ${NOBODY}`);
  expect(await containers()).toBe('');
  await whole();
});
