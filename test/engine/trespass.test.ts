import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Status } from '../../src/api/status.ts';
import { docker, type Ended, TestJob } from './harness.ts';

const JOBS = join(import.meta.dirname, 'jobs');
const TOKEN_FILE = '/tmp/ftc-http-token';

/** A user of the machine who is nobody's. Where this test is not root, whoever runs it. */
async function nobody(...command: string[]): Promise<Ended> {
  const as = process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : [];
  const [file = '', ...args] = [...as, ...command];
  const { exitCode, stdout, stderr } = await execa(file, args, { reject: false, stdin: 'ignore', cwd: '/' });
  return { code: exitCode, stdout, stderr };
}

interface Tried {
  readonly post: number[];
  readonly get: number;
  readonly rebound: number;
  readonly far: string[];
  readonly decisive: string[];
  readonly silentMs: number;
  readonly supervisor: string;
}

describe('a job that others reach', () => {
  let job: TestJob;
  let base: string;
  let tried: Tried;
  let token: string;
  const printed: Record<string, string> = {};

  /** The status code that somebody else on the machine gets. */
  const curl = async (...args: string[]): Promise<string> =>
    (await nobody('curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', ...args)).stdout;
  const keep = (name: string, { stdout, stderr }: Ended): void => void (printed[name] = stdout + stderr);

  beforeAll(async () => {
    job = await TestJob.create('trespass');
    for (const file of ['loud.py', 'stranger.mjs']) cpSync(join(JOBS, file), join(job.folder, file));
    const up = job.spawn('up', '--scale', 'worker=2', '--script', 'loud.py', '--checkpoint-every', '50');
    await job.trains(2, 2, up);
    const master = await job.one('master');
    base = `http://127.0.0.1:${master.ports['8080/tcp']}`;
    token = (await docker('exec', master.id, 'cat', TOKEN_FILE)).stdout.trim();
    const { stdout, stderr } = await docker(
      ...[
        'run',
        '--rm',
        '--network',
        `${job.name}_default`,
        '--user',
        '65534',
        '--volume',
        `${job.folder}:/t:ro`,
        '--volume',
        `${job.name}_worker-key:/run/ftc:ro`,
      ],
      ...['--entrypoint', 'node', master.image, '/t/stranger.mjs', 'master', job.name],
    );
    if (stdout === '') throw new Error(stderr);
    tried = JSON.parse(stdout) as Tried;
    keep('events', await nobody('curl', '-s', `${base}/events`));
    keep('status', await job.ftc('status'));
    keep('status --json', await job.ftc('status', '--json'));
    keep('metrics', await job.ftc('metrics', '--last', '3'));
    keep('metrics --csv', await job.ftc('metrics', '--csv'));
    keep('checkpoints', await job.ftc('checkpoints'));
    keep('logs', await job.ftc('logs'));
    keep('logs --raw', await job.ftc('logs', '--raw'));
  });
  afterAll(() => job.close());

  it('goes on, whatever a container on its network says that has the key of a worker', async () => {
    expect(tried.post).toEqual([403, 403, 403]);
    expect([tried.get, tried.rebound]).toEqual([200, 421]);
    const reasons = tried.far.map(said => said.split('\n').find(line => line.includes('"refused"')) ?? said);
    expect(reasons.map(line => /generation|step|host/.exec(line)?.[0])).toEqual([
      'generation',
      'generation',
      'step',
      'host',
    ]);
    expect(tried.silentMs).toBeLessThan(15_000);
    expect(tried.supervisor).toMatch(
      /^\{"type":"refused","reason":"who says to be a supervisor does not have/,
    );
    const status = JSON.parse(printed['status --json'] ?? '') as Status;
    expect([status.state, status.finalDigest, status.worldSize]).toEqual(['running', null, 2]);
    expect(status.generation).toBeLessThan(100);
    expect(printed['events']).not.toContain('x'.repeat(10_000));
    await job.trains(status.step ?? 0, 2);
  });

  it('is shown to every user of the machine, and changed by none', async () => {
    for (const path of ['/status', '/events', '/checkpoints', '/metrics/steps', '/healthz'])
      expect([path, await curl(base + path)]).toEqual([path, '200']);
    for (const path of ['/stop', '/checkpoints/prune?keep=1', '/checkpoints/verify']) {
      expect(await curl('-X', 'POST', '-H', 'x-ftc: 1', base + path)).toBe('403');
      expect(await curl('-X', 'POST', '-H', 'x-ftc: 1', '-H', 'authorization: Bearer x', base + path)).toBe(
        '403',
      );
    }
    expect(await curl('-H', 'host: evil.example', `${base}/status`)).toBe('421');
    expect(await curl('--path-as-is', `${base}//`)).toBe('400');
    const { stdout } = await nobody('curl', '-s', '-i', '--request-target', 'http://[::1', base);
    expect(stdout).toMatch(/^HTTP\/1.1 400 /);
    expect(stdout).toMatch(/nosniff/);
    expect(stdout).not.toContain('Invalid URL');
  });

  it('keeps its token where nobody else finds it', async () => {
    expect(token).toMatch(/^[\w-]{43}$/);
    const all = await job.containers();
    const seen = await Promise.all([
      docker('inspect', ...all.map(c => c.id)),
      ...all.map(c => docker('logs', c.id)),
      ...(await job.workers()).map(c =>
        docker('exec', c.id, 'sh', '-c', 'cat /proc/*/environ; grep -rs . /checkpoints /tmp'),
      ),
      job.ftc('config'),
      nobody(
        'sh',
        '-c',
        `grep -rs . ${job.folder} /proc/${(await job.one('master')).pid}/root${TOKEN_FILE} /proc/*/environ`,
      ),
    ]);
    for (const { stdout, stderr } of seen) expect((stdout + stderr).includes(token)).toBe(false);
    const mode = await docker('exec', (await job.one('master')).id, 'stat', '-c', '%a', TOKEN_FILE);
    expect(mode.stdout.trim()).toBe('600');
    expect(
      await curl(
        '-X',
        'POST',
        '-H',
        'x-ftc: 1',
        '-H',
        `authorization: Bearer ${token}`,
        `${base}/checkpoints/verify`,
      ),
    ).toBe('200');
  });

  it('prints nothing that a terminal obeys', () => {
    for (const [name, text] of Object.entries(printed)) {
      expect(text, name).not.toBe('');
      expect(text.replaceAll('\n', ''), name).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    }
    const lines = (printed['logs'] ?? '').split('\n');
    expect(lines.filter(line => /^(?!worker-\d+ +\|).*(impostor|not from the master)/.test(line))).toEqual(
      [],
    );
    expect(lines.some(line => /^worker-\d+ +\| supervisor-1 \| an impostor\\x08/.test(line))).toBe(true);
    expect(lines.some(line => /^worker-\d+ +\| \{"level":"fatal"/.test(line))).toBe(true);
  });

  it('is its owner’s to verify and to stop', async () => {
    const [one, two] = await Promise.all([
      job.ftc('checkpoints', 'verify'),
      job.ftc('checkpoints', 'prune', '--dry-run'),
    ]);
    expect([0, 5]).toContain(one.code);
    expect([0, 5]).toContain(two.code);
    const up = job.spawn('watch', '--json');
    const { code } = await docker(
      ...['exec', (await job.one('master')).id, 'node', '-e'],
      `fetch('http://127.0.0.1:8080/stop', { method: 'POST', headers: { 'x-ftc': '1', authorization: 'Bearer ${token}' } }).then(r => process.exit(r.status === 202 ? 0 : 1))`,
    );
    expect(code).toBe(0);
    expect((JSON.parse((await up.ended).stdout) as Status).state).toBe('stopped');
  });

  it('says by name which number of its journal no job reaches', async () => {
    const line = `{"type":"generation","generation":${2 ** 53 - 5},"when":"now","members":[]}`;
    const { id } = await job.one('master');
    await docker(
      'exec',
      id,
      'sh',
      '-c',
      `echo '${line}' >> "$(find / -name journal.jsonl 2> /dev/null | head -n 1)"`,
    );
    await docker('restart', id);
    const waited = await job.ftc('wait');
    expect([waited.code, waited.stderr]).toEqual([4, expect.stringContaining('journal.jsonl is refused')]);
    const { code, stdout } = await job.ftc('status');
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/journal.jsonl is refused: "generation" is 9007199254740987 in line/),
    ]);
  });
});
