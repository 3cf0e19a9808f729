/** Who is no member gets no word in, from the host as another user and from the job's own network; and what membership hangs on is found nowhere. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Status } from '../../src/api/status.ts';
import { docker, identity, TestJob, TINY } from './harness.ts';

let job: TestJob;
let before: Status;
beforeAll(async () => {
  const file = 'script: train.py\nargs: ["0.1"]\nsteps: 4000\nworkers: 2\nstandbys: 1\nstandbySync: 5\n';
  job = await TestJob.create('members', file);
  job.write('train.py', readFileSync(TINY, 'utf8'));
  const up = job.spawn('up');
  before = await job.trains(3, 2, up);
});
afterAll(() => job.close());

/** Sends each line, and prints what comes back until it is closed, or silent for a second. */
const TALK = `
const { connect } = require('node:net');
const [host, port, ...lines] = process.argv.slice(1);
let said = 0, text = '';
const socket = connect(Number(port), host, () => lines.forEach(line => socket.write(line + '\\n')));
socket.on('data', part => { said += part.length; text = (text + part.toString('latin1')).slice(0, 4000); });
socket.on('error', () => undefined).on('close', () => console.log(JSON.stringify({ said, text })));
socket.setTimeout(1000, () => socket.destroy());
`;

interface Talk {
  readonly said: number;
  readonly text: string;
}

/** As a user of the machine who is nobody's. */
async function talk(host: string, port: number, ...lines: readonly (object | string)[]): Promise<Talk> {
  const said = lines.map(line => (typeof line === 'string' ? line : JSON.stringify(line)));
  const as = process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : [];
  const [file = '', ...args] = [...as, process.execPath, '-e', TALK, host, String(port), ...said];
  const { stdout } = await execa(file, args, { stdin: 'ignore', cwd: '/', env: {}, extendEnv: false });
  return JSON.parse(stdout) as Talk;
}

async function addressOf(id: string): Promise<string> {
  const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}';
  return (await docker('inspect', '--format', format, id)).stdout.trim();
}

/** On which ports something listens in a container. */
async function portsOf(id: string): Promise<number[]> {
  const { stdout } = await docker('exec', id, 'cat', '/proc/net/tcp', '/proc/net/tcp6');
  return [...stdout.matchAll(/: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:0000 0A /g)].map(([, hex = '0']) =>
    parseInt(hex, 16),
  );
}

/** Nothing has happened to it. */
async function unharmed(): Promise<void> {
  await job.trains((await job.until(() => true, 'a status')).step ?? 0, 2);
  // After the master was gone, the standby may be the last that says hello.
  const all = (s: Status): boolean => s.workers.length >= before.workers.length;
  const now = await job.until(all, 'all are there');
  expect([now.generation, now.workers.map(w => w.id).sort(), now.finalDigest, now.recoveries.length]).toEqual(
    [before.generation, before.workers.map(w => w.id).sort(), null, before.recoveries.length],
  );
}

it('whoever has no key is refused by the master, whatever he says to be', async () => {
  const master = await addressOf((await job.one('master')).id);
  const hello = (id: string, more: object = {}) => ({
    ...{
      type: 'hello',
      role: 'worker',
      protocol: 2,
      job: job.name,
      id,
      incarnation: 'x',
      startedAt: 1,
      host: 'h',
    },
    ...{
      storePort: 1,
      step: 0,
      holdsState: false,
      ready: false,
      generation: null,
      totalSteps: null,
      ...more,
    },
  });
  const failed = {
    type: 'failed',
    fatal: true,
    fingerprint: 'x',
    message: 'a stranger',
    traceback: '',
    step: 1,
  };
  const ghost = (n: number) => ({
    ...{ id: `ghost${n}`, container: 'g', running: true, paused: false, exitCode: null, oomKilled: false },
    ...{ startedAt: 1, restarts: 0, startsAt: null, gaveUp: null },
  });
  const rank0 = before.workers.find(w => w.rank === 0)?.id ?? '';
  const digest = '0'.repeat(64);
  const guess = { nonce: digest, proof: digest };
  const tries: object[][] = [
    [hello('n'), failed],
    [hello('n', { ...guess, generation: before.generation + 3 })],
    [hello(rank0, guess)],
    [hello('fin', { ...guess, ready: true }), { type: 'finishing', generation: before.generation, step: 1 }],
    [hello('z', guess), { type: 'done', step: 1, digest, metrics: {} }],
    [
      { type: 'hello', role: 'supervisor', protocol: 2, job: job.name, id: 's', ...guess },
      { type: 'containers', workers: Array.from({ length: 500 }, (_, n) => ghost(n)) },
    ],
    [{ type: 'hello', role: 'supervisor', protocol: 1, job: job.name, id: 's' }],
  ];
  for (const lines of tries) {
    const { text } = await talk(master, 7077, ...lines);
    expect(
      text.split('\n').map(line => (line === '' ? '' : (JSON.parse(line) as { type: string }).type)),
    ).toEqual(['challenge', 'refused', '']);
  }
  await unharmed();
});

it('no worker shows its state to who has no key, and nobody finds what workers tell each other', async () => {
  for (const { id } of await job.workers()) {
    const [host, ports] = [await addressOf(id), await portsOf(id)];
    expect(ports.length).toBeGreaterThan(1);
    for (const port of ports) {
      for (const greeting of [`ftc state 1 ${job.name}`, `ftc state 2 ${job.name}\n${'x'.repeat(100)}`]) {
        // A nonce and a proof, or what the store or gloo answers to garbage: no state, which has 20 kB.
        expect((await talk(host, port, greeting)).said).toBeLessThanOrEqual(64);
      }
    }
  }
  const { host, storePort } = await memberOf(0);
  const script = `
from datetime import timedelta
from torch.distributed import TCPStore
store = TCPStore("${host}", ${storePort}, None, False, timedelta(seconds=10), wait_for_workers=False, use_libuv=False)
print([store.check([name]) for name in ("state-port", "gen-${before.generation}/control/0", "gen-${before.generation}/0")], store.num_keys() > 0)
`;
  const found = await docker(
    ...['run', '--rm', '--network', `${job.name}_default`, '--entrypoint', 'python3'],
    ...[(await job.rank(0)).image, '-c', script],
  );
  expect(found.stdout.trim(), found.stderr).toBe('[False, False, False] True');
  await unharmed();
});

/** Until a container's log says so. */
async function told(id: string, text: string): Promise<void> {
  const log = execa('docker', ['logs', '--follow', id], { reject: false, all: true, buffer: false });
  let seen = '';
  await new Promise<void>((resolve, reject) => {
    log.all.on('data', part => {
      seen += String(part);
      if (seen.includes(text)) resolve();
    });
    log.all.on('end', () => reject(new Error(`${id} ended without saying "${text}":\n${seen}`)));
  });
  log.kill();
  await log;
}

/** From the journal: where a member's store listens. */
async function memberOf(rank: number): Promise<{ host: string; storePort: number }> {
  const journal = await inMaster('cat', '/var/lib/ftc/master/journal.jsonl');
  const line = journal.split('\n').findLast(text => text.includes('"type":"generation"')) ?? '';
  const member = (JSON.parse(line) as { members: { host: string; storePort: number }[] }).members[rank];
  if (member === undefined) throw new Error(`nobody holds rank ${rank}: ${line}`);
  return member;
}

const inMaster = async (...command: string[]): Promise<string> =>
  (await docker('exec', (await job.one('master')).id, ...command)).stdout;

it('the secret is where the master alone reads it; each role has its own key, and neither is shown anywhere', async () => {
  const secret = (await inMaster('cat', '/var/lib/ftc/master/secret')).trim();
  expect(secret).toMatch(/^[0-9a-f]{64}$/);
  const keyIn = async (id: string): Promise<string> =>
    (JSON.parse((await docker('exec', id, 'cat', '/run/ftc/key.json')).stdout) as { key: string }).key;
  const [worker, supervisor] = [(await job.workers())[0]?.id ?? '', (await job.one('supervisor')).id];
  const keys = [await keyIn(worker), await keyIn(supervisor)];
  const all = [secret, ...keys];
  expect(new Set(all).size).toBe(3);
  const containers = await job.containers();
  const texts = await Promise.all([
    docker('inspect', ...containers.map(c => c.id)),
    ...containers.map(c => docker('logs', c.id)),
    ...(await job.workers()).map(c =>
      docker('exec', c.id, 'sh', '-c', 'cat /proc/*/environ; grep -rs . /checkpoints /tmp'),
    ),
    ...[['config'], ['status', '--json'], ['logs', '--raw']].map(args => job.ftc(...args)),
    execa('grep', ['-rs', '.', job.folder], { reject: false }),
  ]);
  for (const { stdout, stderr } of texts)
    for (const one of all) expect(`${stdout}${stderr}`.includes(one)).toBe(false);
  // What a script can read is its worker's.
  const seen = await docker('exec', worker, 'sh', '-c', 'cat /run/ftc/* ; ls /var/lib/ftc; touch /run/ftc/x');
  expect(seen.stdout).toContain(keys[0]);
  expect([seen.stdout.includes(secret), seen.stdout.includes(keys[1] ?? ''), seen.code]).toEqual([
    false,
    false,
    1,
  ]);
});

it('a journal that a script forges among the checkpoints is not looked at', async () => {
  const forged = `{"type":"state","state":"succeeded","reason":null,"finalDigest":"${'0'.repeat(64)}"}`;
  const [worker] = await job.workers();
  const folder = `/checkpoints/${job.name}/journal`;
  const made = await docker(
    ...[
      'exec',
      worker?.id ?? '',
      'sh',
      '-c',
      `mkdir -p ${folder} && echo '${forged}' > ${folder}/journal.jsonl`,
    ],
  );
  expect(made.code, made.stderr).toBe(0);
  await docker('kill', (await job.one('master')).id);
  await docker('start', (await job.one('master')).id);
  await unharmed();
});

it('who only calls himself the master is not believed, and workers wait for the real one', async () => {
  const master = await job.one('master');
  const workers = await job.workers();
  const [first] = workers;
  const same = await identity(first ?? master);
  // It has the master's name on the network, sends a challenge, and answers each hello with a welcome and the end.
  const impostor = `
const say = (socket, lines) => socket.write(lines.map(line => JSON.stringify(line) + '\\n').join(''));
const challenge = { type: 'challenge', protocol: 2, nonce: 'ab'.repeat(32) };
const answers = [
  { type: 'welcome', protocol: 2, job: '${job.name}', heartbeatMs: 1000, proof: 'cd'.repeat(64) },
  { type: 'refused', reason: 'go away', proof: 'cd'.repeat(64) },
  { type: 'shutdown', reason: 'the end' },
];
require('node:net').createServer(socket => {
  socket.on('error', () => undefined).on('data', data => {
    console.log('heard ' + data);
    say(socket, answers);
  });
  say(socket, [challenge]);
}).listen(7077);
`;
  writeFileSync(join(job.folder, 'impostor.cjs'), impostor);
  const name = `${job.name}-impostor`;
  // Else it would start the real one again at once, and nobody would meet the impostor.
  const supervisor = await job.one('supervisor');
  await docker('pause', supervisor.id);
  await docker('kill', master.id);
  const run = await docker(
    ...['run', '--detach', '--name', name, '--network', `${job.name}_default`, '--network-alias', 'master'],
    ...['--volume', `${job.folder}:/t:ro`, '--entrypoint', 'node', master.image, '/t/impostor.cjs'],
  );
  expect(run.code, run.stderr).toBe(0);
  try {
    await told(first?.id ?? '', "what answers there does not have the master's key");
    const heard = (await docker('logs', name)).stdout;
    expect(heard).toContain('"type":"hello"');
    expect(heard).not.toMatch(/"type":"(heartbeat|ready|committed)"/);
  } finally {
    await docker('rm', '--force', name);
    await docker('start', master.id);
    await docker('unpause', supervisor.id);
  }
  await unharmed();
  expect(await identity(first ?? master)).toBe(same);
});

it('a secret that is gone is made anew: all connect again, and training goes on', async () => {
  const workers = await Promise.all((await job.workers()).map(async c => [c, await identity(c)] as const));
  await inMaster('rm', '/var/lib/ftc/master/secret');
  await docker('restart', (await job.one('master')).id);
  await unharmed();
  for (const [container, same] of workers) expect(await identity(container)).toBe(same);
  await docker('kill', (await job.rank(1)).id);
  // The standby takes over under the new key, and the lost one comes back.
  const { generation } = await job.until(s => s.generation > before.generation, 'another generation');
  await job.trains((await job.until(s => s.generation >= generation, 'a status')).step ?? 0, 2);
});

it('a new job of that name gets neither the secret nor the journal of the one before', async () => {
  const secret = await inMaster('cat', '/var/lib/ftc/master/secret');
  expect((await job.ftc('down')).code).toBe(0);
  await docker('volume', 'rm', `${job.name}_checkpoints`);
  expect((await docker('volume', 'inspect', `${job.name}_master`)).code).toBe(0);
  const begun = await job.trains(1, 2, job.spawn('up'));
  expect(begun.step).toBeLessThan(before.step ?? 0);
  expect(begun.generation).toBeLessThanOrEqual(2); // two workers, and a third that joins
  expect(await inMaster('cat', '/var/lib/ftc/master/secret')).not.toBe(secret);
});
