/** Workers, links and a clock for the membership, as plain data: what a history does to them, and what must always hold. */
import assert from 'node:assert/strict';
import { advance } from '../../../src/master/membership/advance.ts';
import type { Effect, JournalEntry, MembershipEvent } from '../../../src/master/membership/events.ts';
import {
  createMembership,
  type Membership,
  type MembershipConfig,
} from '../../../src/master/membership/state.ts';
import { resume } from '../../../src/master/resume.ts';
import type { Entry } from '../../../src/master/journal.ts';
import type { ContainerFact, Divergence } from '../../../src/protocol/inbound.ts';

export const config: MembershipConfig = {
  workers: 3,
  standbys: 0,
  minWorkers: 1,
  heartbeatMs: 5000,
  gatherMs: 2000,
  gatherMaxMs: 30_000,
  brokenMs: 1000,
  hangMs: 300_000,
  silentMs: 300_000,
  onStraggler: 'report',
};

/** Of a heartbeat: what nothing was said of. */
export const unsaid = { checks: 0, checkedStep: null, skipped: 0 };

interface Process {
  incarnation: string;
  ready: boolean;
  step: number;
  holdsState: boolean;
  /** The generation it takes part in; null before its first. */
  generation: number | null;
  /** The newest one it was told of. */
  told: number;
  beats: boolean;
  leaving: boolean;
  finishing: boolean;
  linked: boolean;
  /** Replica checks that it was in, and the step of the last. */
  checks: number;
  checkedStep: number | null;
}

export const divergence = (more: Partial<Divergence> = {}): Divergence & { type: 'diverged' } => ({
  type: 'diverged',
  generation: 1,
  step: 42,
  fromStep: 30,
  tensor: 'model.0.weight',
  position: [3, 1],
  workers: ['b'],
  action: 'repaired',
  toStep: null,
  ...more,
});

export class World {
  m: Membership;
  now = 1_000_000;
  readonly journal: Entry[] = [{ type: 'run', container: 'master-1', at: 0 }];
  readonly processes = new Map<string, Process>();
  readonly containers = new Set<string>();
  /** Generations in the order in which they were made known. */
  readonly generations: number[] = [];
  readonly effects: Effect[] = [];
  readonly totalSteps: number;
  #count = 0;

  constructor(overrides: Partial<MembershipConfig> = {}, totalSteps = 1_000_000) {
    this.m = createMembership({ ...config, ...overrides });
    this.totalSteps = totalSteps;
  }

  take(event: MembershipEvent): Effect[] {
    const before = this.m.bestStep;
    const effects = advance(this.m, event, this.now);
    this.effects.push(...effects);
    let journaled = this.m.current.generation;
    for (const effect of effects) {
      if (effect.type === 'journal') {
        this.journal.push(structuredClone(effect.entry) as JournalEntry & Entry);
        if (effect.entry.type === 'generation') {
          journaled = effect.entry.generation;
          assert(journaled > (this.generations.at(-1) ?? 0), 'numbers only grow');
          this.generations.push(journaled);
        }
      }
      if (effect.type === 'send') this.#deliver(effect.to, effect.message, journaled);
      if (effect.type === 'drop') {
        const p = this.processes.get(effect.id);
        if (p) p.linked = false;
      }
    }
    assert(this.m.bestStep >= before, 'committed steps only grow');
    this.check();
    return effects;
  }

  #deliver(id: string, message: Extract<Effect, { type: 'send' }>['message'], journaled: number): void {
    const p = this.processes.get(id);
    if (!p) return;
    if (message.type === 'generation') {
      assert(message.generation <= journaled, 'sent before it was durable');
      if (message.generation <= p.told) return;
      p.told = message.generation;
      // `now` and a boundary come to the same here: between two steps.
      p.generation = message.members.some(x => x.id === id) ? message.generation : null;
    }
    if (message.type === 'shutdown') this.exit(id);
    if (message.type === 'stop') p.leaving = true;
  }

  start(id: string): void {
    if (this.processes.has(id)) return;
    this.containers.add(id);
    this.processes.set(id, {
      incarnation: `${id}-${(this.#count += 1)}`,
      ready: false,
      step: 0,
      holdsState: false,
      generation: null,
      told: 0,
      beats: true,
      leaving: false,
      finishing: false,
      linked: true,
      checks: 0,
      checkedStep: null,
    });
    this.hello(id);
  }

  hello(id: string): void {
    const p = this.processes.get(id);
    if (!p) return;
    p.linked = true;
    const { incarnation, step, holdsState, ready, generation } = p;
    this.take({
      type: 'hello',
      hello: {
        type: 'hello',
        role: 'worker',
        protocol: 2,
        job: 'j',
        id,
        incarnation,
        startedAt: this.now,
        host: '10.0.0.1',
        storePort: 1234,
        step,
        holdsState,
        ready,
        generation,
        totalSteps: this.totalSteps,
      },
    });
  }

  ready(id: string): void {
    const p = this.processes.get(id);
    if (!p || p.ready) return;
    p.ready = true;
    this.say(id, { type: 'ready', step: p.step, holdsState: p.holdsState, totalSteps: this.totalSteps });
  }

  say(
    id: string,
    message: Extract<MembershipEvent, { type: 'message' }>['message'],
    incarnation?: string,
  ): void {
    const p = this.processes.get(id);
    if (p && !p.linked) return;
    this.take({ type: 'message', id, incarnation: incarnation ?? p?.incarnation ?? 'gone', message });
  }

  /** The process ends and its link closes. */
  die(id: string): void {
    const p = this.processes.get(id);
    if (!p) return;
    this.processes.delete(id);
    if (p.linked) this.take({ type: 'closed', id, incarnation: p.incarnation });
  }

  exit(id: string): void {
    this.processes.delete(id);
    const w = this.m.workers.get(id);
    if (w) w.connected = false;
  }

  /** Time passes; everybody who is not hung sends a heartbeat on the way. */
  pass(ms: number): void {
    const end = this.now + ms;
    while (this.now < end) {
      this.now = Math.min(end, this.now + 500);
      for (const [id, p] of [...this.processes]) if (p.beats && p.linked) this.beat(id);
      this.take({ type: 'tick' });
    }
  }

  beat(id: string): void {
    const p = this.processes.get(id);
    if (!p) return;
    const { generation, step, checks, checkedStep } = p;
    const at = this.now;
    this.say(id, {
      type: 'heartbeat',
      generation,
      step,
      phase: 'compute',
      loss: 1,
      samples: step,
      epoch: 0,
      at,
      phaseMs: 0,
      computeMs: null,
      slices: 0,
      waitMs: null,
      checks,
      checkedStep,
      skipped: 0,
    });
  }

  /** Every member of the current generation is there and knows it: they commit one step together. */
  step(): boolean {
    const { generation, members } = this.m.current;
    const all = members.map(x => this.processes.get(x.id));
    if (members.length === 0 || !all.every(p => p?.generation === generation && p.beats)) return false;
    const processes = all as Process[];
    if (processes.some(p => p.finishing)) return false;
    const from = Math.max(...processes.map(p => (p.holdsState ? p.step : 0)));
    if (from >= this.totalSteps) return this.#finish(processes);
    for (const p of processes) {
      p.step = p.checkedStep = from + 1;
      p.holdsState = true;
      p.checks += 1;
    }
    for (const { id } of members) {
      this.say(id, { type: 'committed', generation, step: from + 1, fromStep: from, at: this.now });
    }
    for (const { id } of members) {
      const p = this.processes.get(id);
      if (!p?.leaving) continue;
      this.say(id, { type: 'leaving', step: p.step, checkpointed: false });
      this.die(id);
    }
    return true;
  }

  #finish(processes: Process[]): boolean {
    const { generation, members } = this.m.current;
    for (const p of processes) p.finishing = true;
    const step = this.totalSteps;
    for (const { id } of members) this.say(id, { type: 'finishing', generation, step, reason: null });
    return true;
  }

  /** All members tell that their replicas differ. */
  diverge(more: Partial<Divergence> = {}): void {
    const { generation, members } = this.m.current;
    for (const { id } of members) this.say(id, divergence({ generation, ...more }));
  }

  done(id: string): void {
    if (!this.processes.get(id)?.finishing) return;
    this.say(id, { type: 'done', step: this.totalSteps, digest: 'a'.repeat(64), metrics: { accuracy: 0.9 } });
  }

  /** The supervisor reports what containers there are. */
  report(gaveUp: Record<string, string> = {}): void {
    const workers = [...this.containers].map((id): ContainerFact => {
      const running = this.processes.has(id);
      return {
        id,
        container: `c-${id}`,
        running,
        paused: false,
        exitCode: running ? null : 137,
        oomKilled: false,
        startedAt: 0,
        restarts: 0,
        startsAt: null,
        gaveUp: gaveUp[id] ?? null,
      };
    });
    this.take({ type: 'containers', workers });
  }

  /** The master dies and comes back from what it wrote; members reattach in their own time. */
  restartMaster(): void {
    const read = JSON.parse(JSON.stringify(this.journal)) as Entry[];
    this.m = resume(this.m.config, read, 'master-1', this.now);
    for (const p of this.processes.values()) p.linked = false;
    this.check();
  }

  check(): void {
    const { members, generation } = this.m.current;
    assert(new Set(members.map(x => x.id)).size === members.length, 'no worker holds two ranks');
    for (const p of this.processes.values())
      assert((p.generation ?? 0) <= generation, 'nobody is ahead of the master');
  }

  /** Three workers, started, ready and one step on. */
  static running(overrides: Partial<MembershipConfig> = {}, totalSteps?: number): World {
    const world = new World(overrides, totalSteps);
    for (const id of ['a', 'b', 'c']) world.start(id);
    for (const id of ['a', 'b', 'c']) world.ready(id);
    world.report();
    world.step();
    return world;
  }

  get ranks(): string[] {
    return this.m.current.members.map(x => x.id);
  }
}
