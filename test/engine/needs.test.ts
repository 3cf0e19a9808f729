/** A script that asks for everything that a job can give: variables, packages, mounts, places to write, limits. */
import { chmodSync, mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { docker, TestJob } from './harness.ts';

const TOKEN = 'hf_secretcanary';
const HOST = 'canaryhost.invalid';
/** What the shell has that `ftc` is started in. */
const shell = { HF_TOKEN: TOKEN, PIP_TRUSTED_HOST: HOST };

const jobFile = `
script: train.py
workers: 2
environment: {LR: 0.050, HF_TOKEN: null, MODE: "a $b", PYTHONPATH: /lib-extra}
envFile: settings.env
requirements: requirements.txt
volumes: ["lib:/lib-extra", "kept:/kept:rw"]
workdir: true
outputs: results
shmSize: 96m
resources: {tmp: 64m, pids: 200}
`;

let job: TestJob;
afterEach(async () => {
  for (const name of Object.keys(shell)) Reflect.deleteProperty(process.env, name);
  await job.close();
});

async function create(): Promise<void> {
  job = await TestJob.create('needs', jobFile);
  for (const folder of ['lib', 'kept', 'data']) {
    mkdirSync(join(job.folder, folder));
    chmodSync(join(job.folder, folder), folder === 'kept' ? 0o777 : 0o755);
  }
  job.write('train.py', readFileSync(join(import.meta.dirname, 'jobs/needs.py'), 'utf8'));
  job.write('lib/extra.py', 'ANSWER = 42\n');
  job.write('data/words.txt', 'words');
  job.write('requirements.txt', 'toolz==1.0.0\n');
  job.write('settings.env', `FROM_FILE=${TOKEN}\nQUOTED='a $b'\n`);
}

/** Every file in the job's folder, but for the one that is a secret itself. */
function texts(folder: string): string {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile() && entry.name !== 'settings.env')
    .map(entry => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
    .join('\n');
}

it('finds all of it, and no secret is anywhere else', async () => {
  await create();
  const refused = await job.ftc('up');
  expect([refused.code, refused.stderr]).toEqual([
    2,
    expect.stringContaining('HF_TOKEN is not set in this shell'),
  ]);
  expect(await job.containers()).toEqual([]);

  Object.assign(process.env, shell);
  const up = await job.ftc('up');
  expect(up.code, up.stderr).toBe(0);
  const workers = await job.workers();
  for (const { id } of workers) {
    const { stdout } = await docker('logs', id);
    const line = stdout.split('\n').find(one => one.startsWith('seen ')) ?? '';
    expect(JSON.parse(line.slice('seen '.length))).toEqual({
      environment: { LR: '0.050', MODE: 'a $b', FROM_FILE: TOKEN, QUOTED: 'a $b', UNSET: null },
      token: TOKEN.length,
      extra: 42,
      toolz: '1.0.0',
      beside: 'written',
      'beside is copied': 'words',
      output: 'written',
      'read-only': 'Read-only file system',
      writable: 'written',
      "script's folder": 'Read-only file system',
      // All workers are processes of one machine to this script: they share both, and there is room for each.
      shm: 192,
      tmp: 128,
      processes: '200',
      user: 'ftc',
      home: 'written',
      cache: true,
    });
  }
  expect(readdirSync(join(job.folder, 'results')).sort()).toEqual(['0', '1']);
  expect(statSync(join(job.folder, 'results', '0')).uid).toBe(10001);
  expect(readdirSync(join(job.folder, 'kept')).sort()).toEqual(['0', '1']);

  const config = await job.ftc('config');
  expect(config.code, config.stderr).toBe(0);
  const said = [
    up.stdout,
    up.stderr,
    config.stdout,
    (await job.ftc('status', '--json')).stdout,
    texts(job.folder),
  ];
  expect(said.join('\n')).not.toContain(TOKEN);

  // The host's settings of pip were for the build alone.
  const image = (
    await docker('inspect', '--format', '{{.Config.Image}}', workers[0]?.id ?? '')
  ).stdout.trim();
  const history = await docker('history', '--no-trunc', image);
  expect(history.stdout).toContain('pip install');
  expect(history.stdout).not.toContain(HOST);
  const inside = await docker(
    'run',
    '--rm',
    '--user',
    '0',
    '--entrypoint',
    'sh',
    image,
    '-c',
    `env; grep -rl ${HOST} /etc /root /usr/local /run /tmp /var /opt; ls /run/secrets`,
  );
  expect(inside.stdout).not.toContain(HOST);
  expect(inside.stdout).not.toContain('pip-');
});
