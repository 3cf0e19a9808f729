/** The membership's function with ten thousand simulated workers: its section's Markdown. No engine, no network. */
import { advance } from '../src/master/membership/advance.ts';
import type { Effect, MembershipEvent } from '../src/master/membership/events.ts';
import { createMembership, type Membership } from '../src/master/membership/state.ts';
import { Inbound, type WorkerHello } from '../src/protocol/inbound.ts';
import { Invalid } from './invalid.ts';
import { describe, machine } from './machine.ts';
import { duration, table } from './markdown.ts';
import { median } from './stats.ts';

const SIZES = [100, 1000, 10_000];
const HEARTBEAT_MS = 5000;
/** As the master's own. */
const TICK_MS = 25;
const LOSSES = 15;
/** Simulated seconds of heartbeats. */
const SECONDS = 5;

interface Measured {
  readonly size: number;
  /** From the loss to the effects of the generation without it, milliseconds. */
  readonly lossMs: number;
  /** CPU milliseconds a second of heartbeats: in the function, and with reading the lines. */
  readonly beatsMs: number;
  readonly readMs: number;
  /** A second of ticks. */
  readonly ticksMs: number;
}

/** @throws Invalid when the membership did not do what it was measured at */
export function run(): Promise<string> {
  const before = machine();
  const rows = SIZES.map(measure);
  return Promise.resolve(
    [
      '## Membership at scale',
      '',
      `The function that decides who trains, with simulated workers (\`npm run bench -- membership\`): heartbeats come every`,
      `${HEARTBEAT_MS / 5000} s from each worker, as with a timeout of ${HEARTBEAT_MS / 1000} s. The time from a loss to the next generation is the`,
      `median of ${LOSSES} losses and ends with the list of what has to be sent; sending it is not in it.`,
      '',
      describe(before, null),
      '',
      table(
        [
          'workers',
          'loss to next generation',
          'CPU a second: heartbeats',
          'with reading their lines',
          'ticks',
        ],
        rows.map(r => [
          String(r.size),
          duration(r.lossMs),
          duration(r.beatsMs),
          duration(r.readMs),
          duration(r.ticksMs),
        ]),
      ),
    ].join('\n'),
  );
}

function measure(size: number): Measured {
  const m = training(size);
  let now = m.formedAt;
  const lossMs = median(
    Array.from({ length: LOSSES }, (_, i) => {
      now += 1000;
      const lost = m.current.members[(i * 7919) % m.current.members.length]?.id ?? '';
      const { ms, result: effects } = timed(() =>
        take(m, { type: 'closed', id: lost, incarnation: lost }, now),
      );
      const told = effects.filter(e => e.type === 'send').length;
      if (told !== size - 1 || m.current.members.length !== size - 1) throw new Invalid('a loss went unseen');
      join(m, lost, now);
      commit(m, now);
      return ms;
    }),
  );
  if (m.current.members.length !== size) throw new Invalid('the lost did not come back');
  const beats = (at: number): string[] =>
    m.current.members.map(({ id }) => JSON.stringify(heartbeat(id, m.current.generation, at)));
  let beatsMs = 0;
  let readMs = 0;
  let ticksMs = 0;
  for (let second = 0; second < SECONDS; second += 1) {
    now += 1000;
    const ids = m.current.members.map(x => x.id);
    const lines = beats(now);
    const messages: Inbound[] = [];
    readMs += timed(() => {
      for (const line of lines) messages.push(Inbound.parse(JSON.parse(line)));
    }).cpuMs;
    beatsMs += timed(() => {
      for (const [i, message] of messages.entries()) {
        const id = ids[i] ?? '';
        if (message.type === 'heartbeat') take(m, { type: 'message', id, incarnation: id, message }, now);
      }
    }).cpuMs;
    ticksMs += timed(() => {
      for (let ms = TICK_MS; ms <= 1000; ms += TICK_MS) take(m, { type: 'tick' }, now - 1000 + ms);
    }).cpuMs;
  }
  if (m.current.members.length !== size || m.bestStep < SECONDS) throw new Invalid('heartbeats went unheard');
  return {
    size,
    lossMs,
    beatsMs: beatsMs / SECONDS,
    readMs: (beatsMs + readMs) / SECONDS,
    ticksMs: ticksMs / SECONDS,
  };
}

/** A job in which `size` workers have committed a step. */
function training(size: number): Membership {
  const m = createMembership({
    workers: size,
    standbys: 0,
    minWorkers: 1,
    heartbeatMs: HEARTBEAT_MS,
    gatherMs: 2000,
    gatherMaxMs: 30_000,
    brokenMs: 1000,
    hangMs: 300_000,
    silentMs: 300_000,
    onStraggler: 'report',
  });
  const now = 1_000_000;
  for (let i = 0; i < size; i += 1) join(m, i.toString(16).padStart(12, '0'), now);
  commit(m, now);
  return m;
}

function join(m: Membership, id: string, now: number): void {
  const hello: WorkerHello = {
    type: 'hello',
    role: 'worker',
    protocol: 2,
    job: 'bench',
    id,
    incarnation: id,
    startedAt: now,
    host: '172.18.0.4',
    storePort: 40_000,
    step: 0,
    holdsState: false,
    ready: false,
    generation: null,
    totalSteps: null,
  };
  // The same name stands for another process once it was lost.
  m.workers.delete(id);
  take(m, { type: 'hello', hello }, now);
  const message = { type: 'ready', step: 0, holdsState: false, totalSteps: 1_000_000 } as const;
  take(m, { type: 'message', id, incarnation: id, message }, now);
}

/** All members commit their first step in the generation, and in the one that this lets grow. */
function commit(m: Membership, now: number): void {
  for (let last = -1; last !== m.current.generation;) {
    const { generation, members } = m.current;
    last = generation;
    for (const { id } of members) {
      const message = { type: 'committed', generation, step: 1, fromStep: 0, at: now } as const;
      take(m, { type: 'message', id, incarnation: id, message }, now);
    }
  }
}

const heartbeat = (id: string, generation: number, at: number): object => ({
  type: 'heartbeat',
  generation,
  step: Math.round((at - 1_000_000) / 1000),
  phase: 'compute',
  loss: 0.5,
  samples: 1000,
  epoch: 0,
  at,
  phaseMs: 10,
  computeMs: 80 + (id.charCodeAt(11) % 7),
  slices: 1,
  waitMs: 3,
});

const take = (m: Membership, event: MembershipEvent, now: number): Effect[] => advance(m, event, now);

/** Milliseconds by the clock, and of CPU. */
function timed<T>(action: () => T): { ms: number; cpuMs: number; result: T } {
  const from = process.cpuUsage();
  const at = performance.now();
  const result = action();
  const ms = performance.now() - at;
  const { user, system } = process.cpuUsage(from);
  return { ms, cpuMs: (user + system) / 1000, result };
}
