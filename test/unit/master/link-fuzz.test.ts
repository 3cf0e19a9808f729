/**
 * Strangers on the control link, by a seed, with the workers' key and without: whatever they send, the job's members are heard, and
 * nothing of theirs decides. Without the key nothing of theirs is even heard.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ControlServer } from '../../../src/master/control-server.ts';
import { History } from '../../../src/master/history.ts';
import { advance } from '../../../src/master/membership/advance.ts';
import type { MembershipEvent } from '../../../src/master/membership/events.ts';
import { createMembership, type Membership } from '../../../src/master/membership/state.ts';
import { MOST } from '../../../src/protocol/bounds.ts';
import { MasterKeys } from '../../../src/protocol/membership-proof.ts';
import type { ContainerFact } from '../../../src/protocol/inbound.ts';
import { nasty } from '../shared/nasty.ts';
import { challengeIn, keys, proven } from './member.ts';

const SEED = 20_260_101;
const config = {
  ...{
    workers: 1,
    standbys: 0,
    minWorkers: 1,
    heartbeatMs: 60_000,
    gatherMs: 0,
    gatherMaxMs: 0,
    brokenMs: 1000,
  },
  ...{ hangMs: 600_000, silentMs: 600_000, onStraggler: 'report' as const },
};
const listed: ContainerFact = {
  ...{
    id: 'member',
    container: 'job-worker-1',
    running: true,
    paused: false,
    exitCode: null,
    oomKilled: false,
  },
  ...{ startedAt: 1, restarts: 0, startsAt: null, gaveUp: null },
};
const hello = {
  ...{
    type: 'hello',
    role: 'worker',
    protocol: 2,
    job: 'j',
    id: 'member',
    incarnation: 'm',
    startedAt: 1,
    host: 'h',
  },
  ...{ storePort: 1, step: 5, holdsState: true, ready: true, generation: null, totalSteps: 100 },
};
const heartbeat = {
  type: 'heartbeat',
  generation: 1,
  step: 7,
  phase: 'compute',
  loss: 1,
  samples: 1,
  epoch: 0,
  at: 1,
};

let server: ControlServer;
let port: number;
let m: Membership;
let history: History;
let heard: () => void;
/** What was heard of the member. */
let beats = 0;
/** Ids that were let in. */
let greeted: Set<string>;
beforeEach(async () => {
  m = createMembership(config);
  history = new History();
  greeted = new Set();
  heard = () => undefined;
  const take = (event: MembershipEvent): void => {
    for (const effect of advance(m, event, Date.now())) {
      if (effect.type === 'send') server.send(effect.to, effect.message);
      if (effect.type === 'drop') server.drop(effect.id);
      if (effect.type === 'history') history.add(effect.entry, m.current.generation, Date.now());
    }
    heard();
  };
  server = new ControlServer('j', keys, 5000, {
    hello: it => {
      greeted.add(it.id);
      take({ type: 'hello', hello: it });
    },
    message: (id, incarnation, message) => {
      if (id === 'member') beats += 1;
      take({ type: 'message', id, incarnation, message });
    },
    closed: (id, incarnation) => take({ type: 'closed', id, incarnation }),
    // No stranger has the supervisor's key.
    supervisor: () => expect.unreachable(),
    containers: () => expect.unreachable(),
    said: () => expect.unreachable(),
    refused: (_, reason) => expect(reason.length).toBeLessThan(300),
  });
  port = await server.listen(0, '127.0.0.1');
  take({ type: 'containers', workers: [listed] });
});
afterEach(() => server.close());

/** @param prove what becomes of the first line, when the challenge is there */
async function link(
  prove: (line: object, challenge: string) => object,
  ...lines: (object | string)[]
): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  const [first] = (await once(socket.setEncoding('utf8'), 'data')) as [string];
  const challenge = challengeIn(first.split('\n')[0] ?? '');
  socket.resume();
  for (const [i, line] of lines.entries()) {
    const said = typeof line === 'string' ? line : JSON.stringify(i === 0 ? prove(line, challenge) : line);
    socket.write(typeof line === 'string' ? said : `${said}\n`);
  }
  return socket;
}

type Hello = typeof hello;
const withKey = (line: object, challenge: string): object => proven(line as Hello, challenge);
/** What somebody can try who does not have it. */
const withoutKey: readonly ((line: object, challenge: string) => object)[] = [
  line => line,
  (line, challenge) => ({ ...line, nonce: challenge, proof: challenge }),
  (line, challenge) => proven(line as Hello, challenge, new MasterKeys(Buffer.alloc(32, 'x'))),
  (line, challenge) => proven({ ...(line as Hello), role: 'supervisor' }, challenge, keys, 'worker'),
];

/** Until the membership is as described. */
async function until(test: () => boolean): Promise<void> {
  while (!test()) await new Promise<void>(resolve => (heard = resolve));
}

const count = fc.oneof(
  fc.nat(10),
  fc.constantFrom(-1, 0.5, 2 ** 32, MOST, MOST + 1, 2 ** 53 - 1, 2 ** 53, 1e300, null),
);
const words = fc.oneof(
  nasty,
  fc.nat(200_000).map(n => 'x'.repeat(n)),
  fc.constantFrom('a', 'stranger'),
);
const value: fc.Arbitrary<unknown> = fc.oneof(count, words, fc.boolean(), fc.constant({}), fc.constant([]));
const kinds = fc.constantFrom(
  ...['hello', 'ready', 'heartbeat', 'committed', 'broken', 'checkpoint', 'note', 'failed', 'diverged'],
  ...['finishing', 'done', 'script', 'leaving', 'containers', 'welcome', '__proto__'],
);
/** What is right for its type, but for some fields. */
const right = {
  ...hello,
  ...{
    id: 'stranger',
    generation: 1,
    step: 1,
    fromStep: 0,
    at: 1,
    level: 'warn',
    text: 'x',
    reason: 'x',
    ok: true,
  },
  ...{
    bytes: 1,
    stallMs: 1,
    writeMs: 1,
    error: null,
    fatal: true,
    fingerprint: 'x',
    message: 'x',
    traceback: 'x',
  },
  ...{
    tensor: 'x',
    position: [],
    workers: ['member'],
    action: 'failed',
    digest: '0'.repeat(64),
    metrics: { x: 1 },
  },
  ...{ state: 'ended', checkpointed: true, phase: 'compute', loss: null, samples: 1, epoch: 0 },
};
const message = fc
  .record({
    type: kinds,
    fields: fc.dictionary(fc.constantFrom(...Object.keys(right)), value, { maxKeys: 3 }),
  })
  .map(({ type, fields }) => ({
    ...right,
    ...fields,
    role: 'worker',
    type,
    ...(fields['id'] === 'member' && { id: 'x' }),
  }));
const stranger = fc.record({
  greets: fc.boolean(),
  /** Which of the tries it is; null has the key. */
  without: fc.option(fc.nat(withoutKey.length - 1)),
  id: fc.stringMatching(/^s[a-z]{0,3}$/),
  says: fc.array(fc.oneof({ weight: 4, arbitrary: message }, nasty, fc.constant('{"a":'.repeat(1000))), {
    maxLength: 12,
  }),
});

it('hears its member and believes no stranger', { timeout: 60_000 }, async () => {
  const member = await link(withKey, hello);
  await until(() => m.workers.get('member')?.ready === true);
  advance(m, { type: 'tick' }, Date.now());
  expect([m.current.generation, m.current.members.map(x => x.id)]).toEqual([1, ['member']]);
  const known = { totalSteps: m.totalSteps, bestStep: m.bestStep, finalDigest: m.finalDigest };
  await fc.assert(
    fc.asyncProperty(fc.array(stranger, { minLength: 1, maxLength: 6 }), async strangers => {
      const links = await Promise.all(
        strangers.map(({ greets, without, id: own, says }) => {
          const prove = without === null ? withKey : (withoutKey[without] ?? withKey);
          const id = without === null ? own : `without-${own}`;
          return link(prove, ...(greets ? [{ ...hello, id, ready: false, step: 0 }] : ['']), ...says);
        }),
      );
      await Promise.all(
        links.map(async socket => {
          socket.end();
          // It may have been closed long ago.
          if (!socket.closed) await once(socket, 'close');
        }),
      );
      const before = beats;
      member.write(`${JSON.stringify({ ...heartbeat, step: 5 })}\n`);
      await until(() => beats > before);
      const { totalSteps, bestStep, finalDigest, current, state } = m;
      expect({ totalSteps, bestStep, finalDigest }).toEqual(known);
      expect(['running', 'waiting']).toContain(state);
      // A stranger may be one more reason to form a generation; none is skipped.
      expect(current.generation).toBeLessThan(2 ** 20);
      expect(m.replicas.mismatches).toBe(0);
      expect(m.workers.size).toBeLessThan(200);
      expect([...greeted].filter(id => id.startsWith('without'))).toEqual([]);
      expect(Buffer.byteLength(JSON.stringify(history.after(0)))).toBeLessThan(16 << 20);
    }),
    { seed: SEED, numRuns: 150 },
  );
  expect(m.current.members.map(x => x.id)).toContain('member');
  member.destroy();
});
