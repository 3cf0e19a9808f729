/** Hooks of a job that loses a worker, and then its master before a server has answered: who hears of it, and who sees the URLs. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { HookServer } from '../fakes/hook-server.ts';
import { docker, TestJob, TINY } from './harness.ts';

const TOKEN = 'T0canaryB0canary';
const VARIABLE = 'FTCTEST_HOOK_URL';

let server: HookServer;
let job: TestJob;

beforeAll(async () => {
  const { stdout } = await docker(
    'network',
    'inspect',
    'bridge',
    '--format',
    '{{(index .IPAM.Config 0).Gateway}}',
  );
  server = await HookServer.start(stdout.trim());
  const url = (path: string): string => `http://host.docker.internal:${server.port}/${path}/${TOKEN}`;
  vi.stubEnv(VARIABLE, url('env'));
  job = await TestJob.create(
    'hooks',
    `script: train.py
args: ["0.1"]
workers: 2
steps: 120
hooks:
  onFailure: "${url('failure')}"
  onRecovery: [{urlEnv: ${VARIABLE}}, {command: 'cat > recovered.json; echo told of "$FTC_HOOK"'}]
  onSuccess: [{urlFile: webhook}, {command: [sh, -c, 'cat > succeeded.json; exit 3']}]
`,
  );
  job.write('train.py', readFileSync(TINY, 'utf8'));
  job.write('webhook', `${url('file')}\n`);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await job.close();
  await server.close();
});

it('tells URLs and commands of a recovery and a success, once, and shows no URL to anybody', async () => {
  // The first message is not answered, so the master that sent it does not know that it came.
  server.reply = (response, count) => {
    if (count > 1) response.end();
  };
  const up = job.spawn('up');
  await job.trains(5, 2, up);
  await docker('kill', (await job.rank(1)).id);
  await server.until(1);
  await docker('kill', (await job.one('master')).id);
  await server.until(2);
  const read = (name: string): unknown => JSON.parse(readFileSync(join(job.folder, name), 'utf8'));
  const seen = [(await job.ftc('status', '--json')).stdout];
  const { code, stderr } = await up.ended;
  expect(code, stderr).toBe(0);
  await server.until(3);

  expect(server.got.map(({ path }) => path)).toEqual([`/env/${TOKEN}`, `/env/${TOKEN}`, `/file/${TOKEN}`]);
  const [first, again, end] = server.told;
  expect(again).toEqual(first);
  expect(first).toMatchObject({ hook: 'onRecovery', job: job.name, state: 'running', count: 1 });
  expect(end).toMatchObject({
    hook: 'onSuccess',
    state: 'succeeded',
    digest: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
  });
  // Commands heard of the same, and one that fails changes nothing.
  expect(read('recovered.json')).toMatchObject({ id: first?.id, hook: 'onRecovery' });
  expect(read('succeeded.json')).toMatchObject({ id: end?.id, hook: 'onSuccess' });
  expect(stderr).toContain('hooks.onRecovery: told of onRecovery');
  expect(stderr).toContain('! the command of hooks.onSuccess ended with exit code 3');

  seen.push(JSON.stringify(await job.events()));
  const ids = (await job.containers()).map(({ id }) => id);
  expect(ids).toHaveLength(4);
  const logs = await Promise.all(ids.map(id => docker('logs', id)));
  seen.push(stderr, ...logs.map(l => l.stdout + l.stderr), (await docker('inspect', ...ids)).stdout);
  seen.push((await job.ftc('config')).stdout, (await job.ftc('logs')).stdout);
  seen.push(readFileSync(join(job.folder, '.ftc', `${job.name}.yaml`), 'utf8'));
  for (const text of seen) {
    expect(text.length).toBeGreaterThan(100);
    expect(text).not.toContain(TOKEN);
  }
  expect(readdirSync(join(job.folder, '.ftc/hooks'))).toEqual([`${job.name}.json`]);
  await job.ftc('down', '--volumes');
  expect(existsSync(join(job.folder, '.ftc/hooks', `${job.name}.json`))).toBe(false);
});

it('says that no command runs with --detach, and refuses a URL that is not there', async () => {
  const detached = await job.ftc('up', '--detach', '--steps', '5');
  expect(detached.stderr).toContain('! with --detach no command of hooks.onRecovery, hooks.onSuccess runs');
  await server.until(4);
  await job.ftc('down', '--volumes');
  vi.unstubAllEnvs();
  const { code, stderr } = await job.ftc('up');
  expect(code).toBe(2);
  expect(stderr).toContain(`hooks.onRecovery: the variable ${VARIABLE} is not set in this shell`);
  expect(await job.containers()).toEqual([]);
});
