/** Volumes as people bring them back, or as they run out: each is refused before training starts, and the printed command helps. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, expect, it } from 'vitest';
import type { Status } from '../../src/api/status.ts';
import { docker, type Ended, TestJob, TINY } from './harness.ts';
import { inVolume, volumeFiles } from './volume.ts';

let job: TestJob;
const volume = (): string => `${job.name}_checkpoints`;
afterEach(async () => {
  await job.close();
  await docker('volume', 'rm', '--force', volume());
});

async function make(label: string): Promise<void> {
  job = await TestJob.create(
    label,
    'script: train.py\nworkers: 2\nvirtualRanks: 2\ncheckpoint: { every: 10 }\n',
  );
  job.write('train.py', readFileSync(TINY, 'utf8'));
}

async function trained(steps: number): Promise<Status> {
  const { code, stdout, stderr } = await job.ftc('up', '--json', '--steps', String(steps));
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Status;
}

async function said(pattern: RegExp): Promise<Ended> {
  const ended = await job.ftc('up', '--steps', '40');
  expect(ended.code, ended.stderr).toBe(6);
  expect(ended.stderr).toMatch(pattern);
  return ended;
}

async function refused(pattern: RegExp): Promise<Ended> {
  const ended = await said(pattern);
  // Who has no `ftc` reads the same in the log, once: the master is there, and was not started again and again.
  const { id } = await job.one('master');
  const logs = await docker('logs', id);
  expect(`${logs.stdout}${logs.stderr}`).toMatch(pattern);
  expect((await docker('inspect', '--format', '{{.RestartCount}} {{.State.Running}}', id)).stdout).toBe(
    '0 true',
  );
  return ended;
}

/** Runs the command that an error names. */
async function obey({ stderr }: Ended): Promise<void> {
  const command = /docker run .*(?=\. Then "ftc up")/.exec(stderr)?.[0] ?? 'false';
  const { exitCode, all } = await execa('sh', ['-c', command], { reject: false, all: true });
  expect(exitCode, `${command}\n${all}`).toBe(0);
}

it('restored as another user, copied by root, or with a FIFO for a file: said, mended, and trained on to the same digest', async () => {
  await make('restored');
  const there = (script: string): Promise<string> => inVolume(job.connection, volume(), script);
  await trained(10);

  await there('chown -R 0:0 .');
  const chowned = await refused(
    /cannot use the volume \S+_checkpoints: the folder \S+ in it belongs to 0:0 \(mode 0755\), and must belong to 10001:10001/,
  );
  await obey(chowned);

  await there(
    'find . -type d -exec chmod 700 {} + ; find . -type f -exec chmod 600 {} + ; chown -R 1000:1000 .',
  );
  await obey(await refused(/belongs to 1000:1000 \(mode 0700\), and must belong to 10001:10001/));

  await there(`mv ${job.name}/.lock kept; mkfifo ${job.name}/.lock`);
  await obey(await refused(/\.lock in it is no plain file/));
  await there(`mv kept ${job.name}/.lock; ln -sf /dev/zero ${job.name}/LATEST`);

  // The same for the master's own place, with the job's secret and the journal in it.
  const atMaster = (script: string): Promise<string> =>
    inVolume(job.connection, `${job.name}_master`, script);
  await atMaster('chown -R 0:0 . ; chmod -R go-rwx .');
  await obey(await refused(/cannot use the volume \S+_master: its top folder belongs to 0:0 \(mode 0700\)/));
  await atMaster('mv journal.jsonl kept; mkfifo journal.jsonl');
  await obey(await refused(/the volume \S+_master: journal\.jsonl in it is no plain file/));
  await atMaster('mv kept journal.jsonl');
  await there('for f in $(find . -type f); do cp "$f" "$f.new"; mv "$f.new" "$f"; chmod 644 "$f"; done');

  const { step, finalDigest } = await trained(40);
  expect(step).toBe(40);
  const files = await volumeFiles(job.connection, volume());
  expect(files.filter(path => /\.bad-|\.own$|\.tmp-/.test(path))).toEqual([]);
  // What was copied is pruned like any other: three are kept.
  expect(files.filter(path => path.endsWith('/manifest.json')).length).toBe(3);

  expect((await job.ftc('down', '--volumes')).code).toBe(0);
  expect((await trained(40)).finalDigest).toBe(finalDigest);
});

async function makeVolume(...options: string[]): Promise<void> {
  const ours = [
    `io.ftc.job=${job.name}`,
    `io.ftc.folder=${job.folder}`,
    `com.docker.compose.project=${job.name}`,
  ];
  const labels = [...ours, 'com.docker.compose.volume=checkpoints'];
  const args = [...options.flatMap(one => ['--opt', one]), ...labels.flatMap(one => ['--label', one])];
  const made = await docker('volume', 'create', ...args, volume());
  expect(made.code, made.stderr).toBe(0);
}

it('mounted read-only: said before training starts, empty or not', async () => {
  await make('readonly');
  await makeVolume('type=tmpfs', 'device=tmpfs', 'o=ro,uid=10001');
  await said(/the volume \S+_checkpoints is mounted read-only, and checkpoints are written to it/);
  await docker('volume', 'rm', '--force', volume());
  const folder = join(job.folder, 'of-the-host');
  mkdirSync(join(folder, job.name), { recursive: true });
  execFileSync('chown', ['-R', '10001:10001', folder]);
  await makeVolume('type=none', `device=${folder}`, 'o=bind,ro');
  await refused(/it is mounted read-only, and checkpoints are written to it/);
});

it.each([
  ['full', 'size=16k,uid=10001,mode=0755', /it is full \(.* are free\), and no checkpoint can be written/],
  [
    'inodes',
    'size=8m,nr_inodes=4,uid=10001,mode=0755',
    /it has room for no more files \(.* of 4 inodes are free\)/,
  ],
])('%s: said before training starts', async (label, options, pattern) => {
  await make(label);
  await makeVolume('type=tmpfs', 'device=tmpfs', `o=${options}`);
  await refused(pattern);
});
