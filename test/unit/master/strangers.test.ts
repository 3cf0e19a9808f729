import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { ControlServer } from '../../../src/master/control-server.ts';
import { History } from '../../../src/master/history.ts';
import { parseJournal } from '../../../src/master/journal.ts';
import { advance } from '../../../src/master/membership/advance.ts';
import { createMembership, type Membership } from '../../../src/master/membership/state.ts';
import { refuseJournal } from '../../../src/master/resume.ts';
import { cut, MOST } from '../../../src/protocol/bounds.ts';
import type { WorkerHello } from '../../../src/protocol/inbound.ts';
import { keys } from './member.ts';

const none = () => undefined;
const hello = (id: string, more: Partial<WorkerHello> = {}): WorkerHello => ({
  ...{ type: 'hello', role: 'worker', protocol: 2, job: 'j', id, incarnation: id, startedAt: 1, host: 'h' },
  ...{ storePort: 1, step: 0, holdsState: false, ready: false, generation: null, totalSteps: null },
  ...more,
});
function membership(): Membership {
  const m = createMembership({
    ...{
      workers: 1,
      standbys: 0,
      minWorkers: 1,
      heartbeatMs: 5000,
      gatherMs: 0,
      gatherMaxMs: 0,
      brokenMs: 1000,
    },
    ...{ hangMs: 60_000, silentMs: 60_000, onStraggler: 'report' },
  });
  advance(m, { type: 'containers', workers: [] }, 0);
  return m;
}
const from = (m: Membership, id: string, message: object) =>
  advance(m, { type: 'message', id, incarnation: id, message: message as never }, 1);
const failed = { type: 'failed', fatal: true, fingerprint: 'f', message: 'm', traceback: 't', step: 0 };

it('a link on which nobody says hello is closed, and the longest silent ones first', async () => {
  const reasons: string[] = [];
  const on = { hello: none, message: none, closed: none, supervisor: none, containers: none, said: none };
  const server = new ControlServer(
    'j',
    keys,
    5000,
    { ...on, refused: (_, why) => reasons.push(why) },
    { firstMs: 300 },
  );
  const port = await server.listen(0, '127.0.0.1');
  const links = Array.from({ length: 300 }, () => connect(port, '127.0.0.1').resume().on('error', none));
  await Promise.all(links.map(link => new Promise<void>(resolve => link.once('close', () => resolve()))));
  expect(reasons.filter(why => why.startsWith('more than 256 links'))).toHaveLength(44);
  expect(reasons.filter(why => why === 'no hello within 300 ms')).toHaveLength(256);
  await server.close();
});

it('a number far ahead of the job is refused, and changes nothing', () => {
  for (const more of [{ generation: 1001 }, { generation: MOST }, { step: 2e9 }]) {
    const m = membership();
    const effects = advance(m, { type: 'hello', hello: hello('s', more) }, 1);
    expect(effects.map(e => (e.type === 'send' ? e.message.type : e.type))).toEqual(['refused', 'drop']);
    expect([m.workers.size, m.current.generation, m.bestStep]).toEqual([0, 0, 0]);
  }
  // A journal that lost its end: the members know more than the master.
  const m = membership();
  advance(m, { type: 'hello', hello: hello('s', { generation: 900 }) }, 1);
  expect(m.current.generation).toBe(901);
});

it('a word that ends the job counts from members and listed workers only', () => {
  const m = membership();
  advance(m, { type: 'hello', hello: hello('s', { ready: false }) }, 1);
  from(m, 's', failed);
  from(m, 's', { type: 'done', step: 1, digest: '0'.repeat(64), metrics: {} });
  from(m, 's', { type: 'finishing', generation: 0, step: 1, reason: 'over' });
  from(m, 's', {
    type: 'heartbeat',
    generation: null,
    step: 9,
    phase: 'compute',
    checks: 0,
    checkedStep: null,
  });
  expect([m.state, m.finalDigest, m.finished, m.totalSteps, m.bestStep]).toEqual([
    'waiting',
    null,
    null,
    null,
    0,
  ]);
  const listed = { id: 's', container: 'c', running: true, paused: false, exitCode: null, oomKilled: false };
  const fact = { ...listed, startedAt: 1, restarts: 0, startsAt: null, gaveUp: null };
  advance(m, { type: 'containers', workers: [fact] }, 2);
  from(m, 's', failed);
  expect([m.state, m.reason]).toEqual(['failed', 'm']);
});

it('what a newcomer with rank 0 does not know of the metrics, the others tell', () => {
  for (const order of [
    ['new', 'old'],
    ['old', 'new'],
  ]) {
    const m = membership();
    m.current = { generation: 1, when: 'now', members: [] };
    for (const id of ['new', 'old'])
      advance(m, { type: 'hello', hello: hello(id, { generation: 1, step: 9 }) }, 1);
    const members = ['new', 'old'].map(id => ({ id, host: 'h', storePort: 1, incarnation: id }));
    m.current = { generation: 1, when: 'now', members };
    const told = { new: { loss: 1, late: 2 }, old: { loss: 3, early: 4 } };
    for (const id of order) {
      const metrics = told[id as keyof typeof told];
      from(m, id, { type: 'done', step: 9, digest: '0'.repeat(64), metrics });
    }
    expect(m.metrics).toEqual({ loss: 1, late: 2, early: 4 });
  }
});

it('strangers that are gone are forgotten', () => {
  const m = membership();
  for (let i = 0; i < 500; i += 1) {
    advance(m, { type: 'hello', hello: hello(`s${i}`) }, i);
    advance(m, { type: 'closed', id: `s${i}`, incarnation: `s${i}` }, i);
  }
  expect(m.workers.size).toBeLessThan(150);
  expect(m.workers.has('s499')).toBe(true);
});

it('events are kept by their bytes, too', () => {
  const history = new History();
  const text = 'é'.repeat(500_000);
  for (let i = 0; i < 1500; i += 1)
    history.add(
      { level: 'info', fact: { what: 'worker-note', text }, worker: null, rank: null, step: null },
      1,
      1,
    );
  const events = history.after(0);
  expect(events.length).toBeGreaterThan(200);
  expect(Buffer.byteLength(JSON.stringify(events))).toBeLessThan(5 << 20);
});

it('a text is cut between characters', () => {
  expect(cut('äöü', 6)).toBe('äöü');
  for (let most = 3; most < 30; most += 1) {
    const short = cut('ä€😀'.repeat(9), most);
    expect(Buffer.byteLength(short)).toBeLessThanOrEqual(most);
    expect(short).toMatch(/^(ä€😀)*(ä€?)?…$/u);
  }
});

it('a journal with a number that no job reaches is refused by name', () => {
  const line = (entry: object): string => `${JSON.stringify(entry)}\n`;
  const good = line({ type: 'generation', generation: 3, when: 'now', members: [] });
  const bad = line({ type: 'generation', generation: 2 ** 53 - 5, when: 'now', members: [] });
  expect(parseJournal(good).poisoned).toBeUndefined();
  expect(parseJournal(good + bad).poisoned).toBe('"generation" is 9007199254740987 in line 2');
  const recovery = { generation: 1, atStep: 1e300 };
  expect(parseJournal(line({ type: 'recovery', recovery })).poisoned).toBe('"atStep" is 1e+300 in line 1');
  expect(parseJournal(line({ type: 'run', container: 'c', at: Date.now() })).poisoned).toBeUndefined();
  const m = membership();
  m.current = { generation: 2 ** 53 - 5, when: 'now', members: [] };
  refuseJournal(m, '/j', 'x');
  expect([m.state, m.current.generation, m.reason]).toEqual([
    'failed',
    0,
    expect.stringContaining('/j is refused: x'),
  ]);
  const [told] = advance(m, { type: 'hello', hello: hello('w', { ready: true }) }, 1);
  expect(told).toMatchObject({ type: 'send', message: { type: 'shutdown' } });
});
