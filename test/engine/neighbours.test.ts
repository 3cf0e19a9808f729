/** What others have on the engine, and in the folder, under the job's name: ftc leaves it alone, and says what to do. */
import { cpSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Status } from '../../src/api/status.ts';
import { docker, TestJob, TINY, type Ended } from './harness.ts';
import { smallImage } from './small-image.ts';

const JOB = 'script: train.py\nworkers: 2\nsteps: 20\ncheckpoint: { every: 10 }\n';
let job: TestJob;
let image: string;
const others: string[] = [];

beforeAll(async () => {
  job = await TestJob.create('neighbours', JOB);
  image = await smallImage(job.connection.docker);
  job.write('train.py', readFileSync(TINY, 'utf8'));
  // A project of the user's lies in the same folder, and its .env would break every command that reads it.
  job.write('docker-compose.yml', 'services: { db: { image: "${UNSET:?say it}" } }\n');
  job.write('.env', `COMPOSE_FILE=absent.yml\nCOMPOSE_PROJECT_NAME=x\nCOMPOSE_COMPATIBILITY=1\nPASSWORD="\n`);
});
afterAll(async () => {
  await docker('rm', '--force', '--volumes', ...others);
  await docker('volume', 'rm', '--force', `${job.name}_rows`);
  await job.close();
});

async function somebodys(...args: string[]): Promise<string> {
  const made = await docker(...args);
  expect(made.code, made.stderr).toBe(0);
  others.push(made.stdout.trim());
  return made.stdout.trim();
}

const state = async (id: string): Promise<string> =>
  (await docker('inspect', '--format', '{{.State.Status}} {{.State.StartedAt}}', id)).stdout;

function refused({ code, stderr }: Ended, ...words: string[]): void {
  expect(code, stderr).toBe(3);
  for (const word of words) expect(stderr).toContain(word);
}

it("leaves a user's project of the same name alone, and asks for another name", async () => {
  const label = `com.docker.compose.project=${job.name}`;
  const db = await somebodys(
    ...[
      'run',
      '--detach',
      '--name',
      `${job.name}-db-1`,
      '--label',
      label,
      '--label',
      'com.docker.compose.service=db',
    ],
    ...['--volume', `${job.name}_rows:/rows`, image, 'sleep', '600'],
  );
  const before = await state(db);
  refused(await job.ftc('up'), 'somebody else', `${job.name}-db-1`, `--filter label=${label}`, '--name');
  expect(await job.containers()).toEqual([]);
  expect((await job.ftc('down')).code).toBe(0);
  expect((await job.ftc('down', '--volumes')).code).toBe(0);
  expect(await state(db)).toBe(before);
  expect((await docker('volume', 'inspect', `${job.name}_rows`)).code).toBe(0);
  await docker('rm', '--force', db);
});

it("refuses a name that a stranger's container or network has, before anything starts", async () => {
  const container = await somebodys('create', '--name', `${job.name}-worker-1`, image, 'true');
  await docker('network', 'create', `${job.name}_default`);
  const both = [`docker rm ${job.name}-worker-1`, `docker network rm ${job.name}_default`];
  refused(await job.ftc('up'), "not ftc's", ...both);
  expect(await job.containers()).toEqual([]);
  expect((await docker('network', 'inspect', `${job.name}_default`)).code).toBe(0);
  expect(await state(container)).toContain('created');
  await docker('rm', container);
  await docker('network', 'rm', `${job.name}_default`);
});

it('belongs to its folder: another one is refused, a moved one is not, and --adopt takes it over', async () => {
  const first = await job.ftc('up', '--json');
  expect(first.code, first.stderr).toBe(0);
  const { finalDigest } = JSON.parse(first.stdout) as Status;
  expect((await job.ftc('logs', '-n', '1', 'worker')).code).toBe(0);

  // A copy of the folder, with the record in it, is another experiment; so is another script.
  const copy = join(job.folder, 'copy');
  mkdirSync(copy);
  for (const file of ['ftc.yaml', 'train.py', '.ftc'])
    cpSync(join(job.folder, file), join(copy, file), { recursive: true });
  const inCopy = await job.ftc('up', '--file', join(copy, 'ftc.yaml'));
  expect(inCopy.code, inCopy.stderr).toBe(5);
  for (const words of [job.folder, 'at step 20', '--name', 'ftc down --volumes', '--adopt'])
    expect(inCopy.stderr).toContain(words);
  const otherScript = await job.ftc('up', '--script', 'copy/train.py');
  expect(otherScript.stderr).toContain('trains another script: train.py, at step 20');

  // After "down" the checkpoints' volume still knows; stripped of the record, a folder is a stranger.
  expect((await job.ftc('down')).code).toBe(0);
  expect((await job.ftc('up', '--file', join(copy, 'ftc.yaml'))).code).toBe(5);
  const moved = join(job.folder, 'moved');
  mkdirSync(moved);
  for (const file of ['ftc.yaml', 'train.py', '.ftc']) renameSync(join(job.folder, file), join(moved, file));
  const again = await job.ftc('up', '--file', join(moved, 'ftc.yaml'), '--json');
  expect(again.code, again.stderr).toBe(0);
  expect((JSON.parse(again.stdout) as Status).finalDigest).toBe(finalDigest);

  const adopted = await job.ftc('up', '--file', join(copy, 'ftc.yaml'), '--adopt', '--steps', '25', '--json');
  expect(adopted.code, adopted.stderr).toBe(0);
  expect(JSON.parse(adopted.stdout) as Status).toMatchObject({ state: 'succeeded', step: 25 });
});
