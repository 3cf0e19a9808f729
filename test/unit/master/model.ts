/**
 * A world for the membership to live in: containers, processes, links, groups that train, a supervisor, and a master that
 * may die between any two effects. What happens is a history of words such as `kill b` or `crash 2`, so that a history
 * that breaks a rule can be read, and kept as a test.
 */
import assert from 'node:assert/strict';
import { advance } from '../../../src/master/membership/advance.ts';
import type { Effect, MembershipEvent, WorkerMessage } from '../../../src/master/membership/events.ts';
import {
  createMembership,
  type Membership,
  type MembershipConfig,
} from '../../../src/master/membership/state.ts';
import { parseJournal } from '../../../src/master/journal.ts';
import { resume } from '../../../src/master/resume.ts';
import { hasEnded } from '../../../src/protocol/job-state.ts';
import { statusOf } from '../../../src/master/status-view.ts';
import { Pace } from '../../../src/master/pace.ts';
import type { ContainerFact, Phase } from '../../../src/protocol/inbound.ts';
import type { Outbound } from '../../../src/protocol/outbound.ts';

export const TOTAL = 12;
const HEARTBEAT_MS = 2000;
const HANG_MS = 4000;
const BEAT_MS = HEARTBEAT_MS / 5;

type Told = Extract<Outbound, { type: 'generation' }>;

interface Process {
  readonly incarnation: string;
  readonly startedAt: number;
  ready: boolean;
  step: number;
  holdsState: boolean;
  /** What it trains in. */
  group: Told | null;
  /** The newest that it was told of. */
  newest: Told | null;
  /** Of the newest that it met in, or tried to; null for a standby. */
  generation: number | null;
  firstCommit: boolean;
  /** Replica checks that it was in. */
  checks: number;
  linked: boolean;
  /** The container is paused: nothing moves. */
  frozen: boolean;
  /** What waits for it meanwhile. */
  inbox: Outbound[];
  /** Off the network. */
  cut: boolean;
  /** Its training thread hangs; heartbeats go on. */
  stuck: boolean;
  /** No collective with it ever ends, and nobody notices. */
  deaf: boolean;
  slow: boolean;
  asked: 'leave' | 'stop' | null;
  finishing: boolean;
  /** Said again after every hello. */
  readonly sticky: Map<string, WorkerMessage>;
}

interface Box {
  process: Process | null;
  gaveUp: string | null;
  /** Removed when its process has ended. */
  scaledDown: boolean;
  readonly startedAt: number;
}

export interface Setting {
  readonly standbys: number;
  readonly minWorkers: number;
  readonly onStraggler: 'report' | 'replace';
}

export class Model {
  m: Membership;
  now = 1_000_000;
  readonly boxes = new Map<string, Box>();
  readonly config: MembershipConfig;
  #journal = `${JSON.stringify({ type: 'run', container: 'master', at: 0 })}\n`;
  /** How many more effects are carried out before the master dies. */
  #crash: number | null = null;
  #supervised = true;
  #fences: { worker: string; at: number }[] = [];
  #said: { id: string; incarnation: string; message: WorkerMessage }[] = [];
  readonly #content = new Map<number, string>();
  #durable = 0;
  #saved = 0;
  #count = 0;
  #failures = 0;
  #givenUp = 0;
  /** Replica checks, and mismatches by what tells them apart. */
  #checks = 0;
  readonly #mismatches = new Set<string>();
  #stopped = false;

  constructor({ standbys, minWorkers, onStraggler }: Setting) {
    this.config = {
      workers: 3,
      standbys,
      minWorkers,
      heartbeatMs: HEARTBEAT_MS,
      gatherMs: 1000,
      gatherMaxMs: 10_000,
      brokenMs: 1000,
      hangMs: HANG_MS,
      silentMs: HANG_MS,
      onStraggler,
    };
    this.m = createMembership(this.config);
    for (const id of ['a', 'b', 'c', 'd'].slice(0, 3 + standbys)) this.#start(id);
  }

  // ---- what happens

  perform(word: string): void {
    const [verb = '', arg = ''] = word.split(' ');
    const p = this.boxes.get(arg)?.process ?? null;
    switch (verb) {
      case 'pass':
        return this.#pass(Number(arg));
      case 'step': {
        this.#step(null);
        return;
      }
      case 'partial':
        if (p) this.#step(p);
        return;
      case 'start':
        return this.#start(arg);
      case 'ready':
        return this.#ready(arg);
      case 'kill':
        return this.#end(arg);
      case 'freeze':
        if (p) p.frozen = true;
        return;
      case 'thaw':
        if (p) this.#thaw(arg, p);
        return;
      case 'cut':
        if (p) p.cut = true;
        return;
      case 'mend':
        // What it said meanwhile comes late, here with a new hello.
        if (p?.cut) Object.assign(p, { cut: false, linked: false });
        return;
      case 'stick':
        if (p?.ready) p.stuck = true;
        return;
      case 'deafen':
        if (p) p.deaf = true;
        return;
      case 'slow':
        if (p) p.slow = true;
        return;
      case 'unlink':
        if (p?.linked) {
          p.linked = false;
          this.#take({ type: 'closed', id: arg, incarnation: p.incarnation });
        }
        return;
      case 'link':
        return this.#link(arg);
      case 'down':
        return this.#down(arg);
      case 'vanish':
        this.#end(arg);
        this.boxes.delete(arg);
        return this.#report();
      case 'giveup':
        return this.#giveUp(arg);
      case 'fail':
        return this.#fail(arg);
      case 'done':
        return this.#done(arg);
      case 'flip':
        return p ? this.#flip(p) : undefined;
      case 'stop':
        this.#stopped = true;
        return this.#take({ type: 'stop', reason: 'asked' });
      case 'hold':
        return this.#take({ type: 'hold', reason: 'the state is on its way' });
      case 'release':
        return this.#take({ type: 'hold', reason: null });
      case 'late': {
        const old = this.#said[this.#said.length - 1 - Number(arg)];
        return old && this.#take({ type: 'message', ...structuredClone(old) });
      }
      case 'crash':
        this.#crash = Number(arg);
        return;
      case 'restart':
        return this.#restart();
      case 'supervisor':
        this.#supervised = !this.#supervised;
        return this.#supervise(false);
      case 'report':
        return this.#report();
    }
    throw new Error(`what is "${word}"?`);
  }

  /** Nothing breaks any more; what is broken stays so, until whoever has to mend it does. */
  calm(): void {
    this.#crash = null;
    this.#supervised = true;
    this.#take({ type: 'hold', reason: null });
    for (let round = 0; round < 60 && !hasEnded(this.m.state); round += 1) {
      this.#supervise(true);
      for (const id of [...this.boxes.keys()]) this.#ready(id);
      this.#report();
      this.#pass(1000);
      while (this.#step(null));
      for (const id of [...this.boxes.keys()]) this.#done(id);
    }
    this.#verdict();
  }

  #verdict(): void {
    const { m } = this;
    const status = statusOf(m, new Pace(), { job: 'j', project: 'j', launcher: 'ftc' }, this.now);
    const able = [...this.boxes.values()].filter(b => b.gaveUp === null && !b.scaledDown).length;
    if (m.state === 'succeeded') {
      assert(m.bestStep === TOTAL && m.finalDigest !== null, 'succeeded at the last step, with a digest');
      assert(this.#saved === TOTAL, 'the last checkpoint is durable');
    } else if (m.state === 'failed') {
      assert(status.reason, 'a failure has a reason');
      assert(this.#failures >= 2 || this.#givenUp > 0, `failed without cause: ${status.reason}`);
    } else if (m.state === 'stopped') {
      assert(this.#stopped, 'stopped without being asked');
    } else if (m.state === 'running' && status.reason !== null) {
      const named = [...status.reason.matchAll(/worker-(\w)/g)].map(([, id]) => this.boxes.get(id!)?.process);
      assert(named.length > 0 && named.every(p => p?.stuck), 'only where all hang, all are left alone');
    } else {
      const all = JSON.stringify({ ...status, recoveries: [] });
      assert(m.state === 'waiting' && able < m.config.minWorkers, `it neither ends nor waits: ${all}`);
      assert(status.reason, 'it says what it waits for');
    }
  }

  // ---- the master

  #take(event: MembershipEvent): void {
    const { bestStep, current } = this.m;
    const { checks } = this.m.replicas;
    const effects = advance(this.m, event, this.now);
    assert(this.m.bestStep >= bestStep, 'committed steps only grow');
    assert(this.m.replicas.checks >= checks, 'checks only grow');
    this.#check();
    this.#checkOrder(current);
    this.#checkHold(current);
    if (this.m.state === 'succeeded') this.#checkEnd();
    for (const effect of effects) {
      if (this.#crash !== null && this.#crash-- <= 0) {
        this.#crash = null;
        // Dying while the journal is written leaves half a line.
        if (effect.type === 'journal') this.#journal += JSON.stringify(effect.entry).slice(0, 40);
        return this.#restart();
      }
      this.#carryOut(effect);
    }
    this.#meet();
  }

  #check(): void {
    const { members } = this.m.current;
    assert(new Set(members.map(x => x.id)).size === members.length, 'no worker holds two ranks');
    assert(members.every(Boolean), 'ranks have no gaps');
    const { checks, mismatches, repaired, returned, seen } = this.m.replicas;
    assert(checks <= this.#checks, `${checks} checks are told of, and ${this.#checks} were made`);
    assert(mismatches <= this.#mismatches.size, 'a mismatch is counted once');
    assert(mismatches === repaired + returned && seen.length <= 64, 'each is repaired or returned from');
  }

  #checkOrder(before: Membership['current']): void {
    const stay = (from: Membership['current'], to: Membership['current']): string =>
      from.members
        .filter(x => to.members.some(y => y.incarnation === x.incarnation))
        .map(x => x.id)
        .join();
    const { current } = this.m;
    assert(stay(before, current) === stay(current, before), 'survivors keep their order');
  }

  /** Whoever is connected and held, and now starts, or is started with, holds the state. */
  #checkHold(before: Membership['current']): void {
    const { current, hold, workers } = this.m;
    if (hold === null || before.members.length > 0 || current.members.length === 0) return;
    assert(
      [...workers.values()].some(w => w.connected && w.holdsState),
      'training started from nothing while it was to wait',
    );
  }

  #checkEnd(): void {
    for (const [id, { process: p }] of this.boxes) {
      if (!p?.linked || p.cut || p.frozen) continue;
      assert(!p.finishing || p.sticky.has('done'), `it is over, and the script of ${id} has not returned`);
      const inside = p.group?.generation === this.m.current.generation && !p.finishing;
      assert(!inside || p.firstCommit, `it is over, and ${id} still trains`);
    }
  }

  #carryOut(effect: Effect): void {
    switch (effect.type) {
      case 'journal':
        if (effect.entry.type === 'generation') {
          const { generation } = effect.entry;
          assert(generation > this.#durable, `generation ${generation} was there before`);
          this.#durable = generation;
        }
        this.#journal += `${JSON.stringify(effect.entry)}\n`;
        return;
      case 'send':
        return this.#deliver(effect.to, effect.message);
      case 'drop': {
        const p = this.boxes.get(effect.id)?.process;
        if (p) p.linked = false;
        return;
      }
      case 'fence':
        if (this.#supervised) this.#fences.push({ worker: effect.worker, at: effect.at });
        return;
      default:
        return;
    }
  }

  #restart(): void {
    this.#journal += '\n';
    const { entries } = parseJournal(this.#journal);
    this.m = resume(this.config, entries, 'master', this.now);
    const known = entries.filter(e => e.type === 'diverged').length;
    assert(this.m.replicas.mismatches === known, 'a master that comes back knows of every mismatch');
    this.#check();
    for (const { process } of this.boxes.values()) if (process) process.linked = false;
  }

  // ---- time and the supervisor

  #pass(ms: number): void {
    const end = this.now + ms;
    while (this.now < end) {
      this.now = Math.min(end, this.now + BEAT_MS);
      if (this.#supervised) this.#kill();
      for (const id of [...this.boxes.keys()]) {
        this.#link(id);
        this.#beat(id);
      }
      this.#take({ type: 'tick' });
      if (hasEnded(this.m.state)) return;
    }
  }

  #kill(): void {
    const fences = this.#fences;
    this.#fences = [];
    for (const { worker, at } of fences) {
      const p = this.boxes.get(worker)?.process;
      if (p && p.startedAt <= at) this.#end(worker);
    }
  }

  /** What a supervisor does: kills, reports, starts again. */
  #supervise(start: boolean): void {
    if (!this.#supervised) return;
    this.#kill();
    this.#report();
    if (!start || this.m.state === 'stopping') return;
    for (const [id, box] of [...this.boxes]) if (!box.process && box.gaveUp === null) this.#start(id);
  }

  #report(): void {
    if (!this.#supervised) return;
    const workers = [...this.boxes].map(([id, { process, gaveUp }]): ContainerFact => ({
      id,
      container: `worker-${id}`,
      running: process !== null,
      paused: process?.frozen ?? false,
      exitCode: process ? null : 137,
      oomKilled: false,
      startedAt: process?.startedAt ?? 0,
      restarts: 0,
      startsAt: null,
      gaveUp,
    }));
    this.#take({ type: 'containers', workers });
  }

  #giveUp(id: string): void {
    const box = this.boxes.get(id);
    if (!box || box.process) return;
    this.#givenUp += 1;
    box.gaveUp = 'it dies again and again';
    this.#report();
  }

  // ---- workers

  #start(id: string): void {
    const box = this.boxes.get(id);
    if (box?.process || (box && box.gaveUp !== null) || hasEnded(this.m.state)) return;
    if (box?.scaledDown) return;
    const process: Process = {
      incarnation: `${id}${(this.#count += 1)}`,
      startedAt: this.now + 1,
      ready: false,
      step: 0,
      holdsState: false,
      group: null,
      newest: null,
      generation: null,
      firstCommit: false,
      checks: 0,
      linked: false,
      frozen: false,
      inbox: [],
      cut: false,
      stuck: false,
      deaf: false,
      slow: false,
      asked: null,
      finishing: false,
      sticky: new Map(),
    };
    this.boxes.set(id, { process, gaveUp: null, scaledDown: false, startedAt: this.now + 1 });
    this.now += 1;
    this.#link(id);
  }

  #link(id: string): void {
    const p = this.boxes.get(id)?.process;
    if (!p || p.linked || p.frozen || p.cut) return;
    p.linked = true;
    const { incarnation, startedAt, step, holdsState, ready, generation } = p;
    const hello = {
      ...{ type: 'hello', role: 'worker', protocol: 1, job: 'j', host: '10.0.0.1', storePort: 1234 },
      ...{ id, incarnation, startedAt, step, holdsState, ready, generation },
      totalSteps: ready ? TOTAL : null,
    } as Extract<MembershipEvent, { type: 'hello' }>['hello'];
    this.#take({ type: 'hello', hello });
    for (const message of [...p.sticky.values()]) this.#say(id, message);
  }

  #say(id: string, message: WorkerMessage): void {
    const p = this.boxes.get(id)?.process;
    if (!p?.linked || p.frozen || p.cut) return;
    const { incarnation } = p;
    this.#said.push({ id, incarnation, message });
    this.#take({ type: 'message', id, incarnation, message });
  }

  #ready(id: string): void {
    const p = this.boxes.get(id)?.process;
    if (!p || p.ready || p.frozen || p.stuck) return;
    p.ready = true;
    if (this.#saved >= TOTAL) {
      Object.assign(p, { step: TOTAL, holdsState: true });
      return this.#finish(id, p);
    }
    this.#say(id, { type: 'ready', step: 0, holdsState: false, totalSteps: TOTAL });
  }

  #deliver(id: string, message: Outbound): void {
    const p = this.boxes.get(id)?.process;
    if (!p?.linked || p.cut) return;
    if (p.frozen) return void p.inbox.push(message);
    if (message.type === 'shutdown') return this.#exit(id);
    if (message.type === 'stop') return this.#ask(id, p, 'stop');
    if (message.type !== 'generation') return;
    const text = JSON.stringify(message);
    const known = this.#content.get(message.generation) ?? text;
    assert(text === known, `one number, two generations: ${known} and ${text}`);
    this.#content.set(message.generation, text);
    // Of nobody: a master that comes back makes the same again.
    const nobody = message.members.length === 0;
    assert(nobody || message.generation <= this.#durable, 'sent before it was durable');
    if (p.newest !== null && message.generation <= p.newest.generation) return;
    p.newest = message;
    if (message.when === 'now' && !p.stuck) p.group = null;
  }

  /** Everybody who is free goes where it was told last; a group forms when all are there. */
  #meet(): void {
    for (const [id, { process: p }] of this.boxes) {
      if (!p?.ready || p.group || p.finishing || p.stuck || p.frozen || !p.newest) continue;
      p.generation = p.newest.members.some(x => x.id === id) ? p.newest.generation : null;
      if (p.generation !== null) p.sticky.delete('broken');
    }
    for (const { process } of [...this.boxes.values()]) {
      if (!process?.newest || process.group || process.generation === null) continue;
      const { newest } = process;
      const all = newest.members.map(x => this.boxes.get(x.id)?.process);
      const here = (q: Process | null | undefined): q is Process =>
        q != null && this.#able(q) && !q.group && q.generation === newest.generation && q.newest === newest;
      if (all.every(here)) this.#form(newest, all);
    }
  }

  #form(generation: Told, members: Process[]): void {
    const holders = members.filter(p => p.holdsState);
    const step = holders.length > 0 ? Math.max(...holders.map(p => p.step)) : this.#saved;
    for (const [id, { process: p }] of this.boxes) {
      const w = this.m.workers.get(id);
      const survives = p?.holdsState && !p.asked && !p.finishing && this.#able(p) && w?.connected;
      if (survives) assert(p.step <= step, `step ${p.step} of ${id} is lost, ${step} goes on`);
    }
    for (const p of members)
      Object.assign(p, { group: generation, step, holdsState: true, firstCommit: true });
  }

  #able = (p: Process): boolean => p.ready && !p.stuck && !p.frozen && !p.cut && !p.finishing;

  /** The group that trains commits a step; with `only`, that member alone does, and the collective breaks. */
  #step(only: Process | null): boolean {
    for (const { process } of this.boxes.values()) {
      const group = process?.group;
      if (!group) continue;
      const ids = group.members.map(x => x.id);
      const all = ids.map(id => this.boxes.get(id)?.process);
      const together = (p: Process | null | undefined): p is Process =>
        p?.group === group && this.#able(p) && (!p.deaf || ids.length === 1);
      if (!all.every(together)) continue;
      if (all.every(p => this.#fenced(p))) continue;
      if (only) {
        if (!all.includes(only) || only.step >= TOTAL) continue;
        only.step += 1;
        this.#break(group);
        return true;
      }
      this.#commit(ids, all, group);
      return true;
    }
    return false;
  }

  /** Alone and unreachable, it goes on until it is killed: what it does counts for nothing. */
  #fenced(p: Process): boolean {
    return [...this.m.workers.values()].some(w => w.incarnation === p.incarnation && w.fencedAt !== null);
  }

  #commit(ids: string[], all: Process[], group: Told): void {
    const step = Math.min(TOTAL, all[0]!.step + 1);
    const last = all[0]!.step >= TOTAL;
    for (const p of all) p.step = step;
    if (!last) {
      this.#checks += 1;
      for (const p of all) p.checks += 1;
    }
    if (step % 5 === 0 || step === TOTAL) this.#saved = Math.max(this.#saved, step);
    for (const [i, id] of ids.entries()) {
      const p = all[i]!;
      if (p.firstCommit && !last) {
        p.firstCommit = false;
        const { generation } = group;
        this.#say(id, { type: 'committed', generation, step, fromStep: step - 1, at: this.now });
      }
      this.#beat(id);
    }
    if (step === TOTAL) {
      for (const [i, id] of ids.entries()) if (all[i]!.group === group) this.#finish(id, all[i]!);
      return;
    }
    const stop = all.some(p => p.asked === 'stop');
    if (stop) this.#saved = Math.max(this.#saved, step);
    const leavers = ids.filter((_, i) => stop || all[i]!.asked !== null);
    const newer = all.some(p => (p.newest?.generation ?? 0) > group.generation);
    if (leavers.length > 0 || newer) for (const p of all) p.group = null;
    for (const id of leavers) this.#leave(id);
    this.#meet();
  }

  #finish(id: string, p: Process): void {
    p.finishing = true;
    p.group = null;
    this.#saved = TOTAL;
    const where = { generation: p.generation ?? 0, step: TOTAL, reason: null };
    const message: WorkerMessage = { type: 'finishing', ...where };
    p.sticky.set('finishing', message);
    this.#say(id, message);
  }

  /** A bit of its memory flips, and the check that comes next finds it: all who are there say so. */
  #flip(p: Process): void {
    const { group, step } = p;
    if (!group || group.members.length < 2) return;
    const { generation } = group;
    const tensor = 'model.0.weight';
    const pair = group.members.length === 2;
    const workers = group.members.map(x => x.id).filter(id => pair || this.boxes.get(id)?.process === p);
    const what = pair
      ? ({ action: 'returned', toStep: 0 } as const)
      : ({ action: 'repaired', toStep: null } as const);
    this.#mismatches.add(`${generation} ${step} ${tensor}`);
    const where = { generation, step, fromStep: Math.max(0, step - 1), tensor, position: [3, 1], workers };
    const message: WorkerMessage = { type: 'diverged', ...where, ...what };
    const { m } = this;
    for (const { id } of group.members) {
      const member = this.boxes.get(id)?.process;
      if (member?.group === group) this.#say(id, message);
      if (m !== this.m || !member?.linked || member.frozen || member.cut) continue;
      const { seen } = m.replicas;
      if (m.workers.get(id)?.connected && member.group === group)
        assert(
          seen.some(f => f.generation === generation && f.step === step),
          'what any member tells is known',
        );
    }
  }

  #done(id: string): void {
    const p = this.boxes.get(id)?.process;
    if (!p?.finishing || p.stuck || p.frozen || p.sticky.has('done')) return;
    const message: WorkerMessage = { type: 'done', step: TOTAL, digest: 'a'.repeat(64), metrics: {} };
    p.sticky.set('done', message);
    this.#say(id, message);
  }

  #thaw(id: string, p: Process): void {
    p.frozen = false;
    const { inbox } = p;
    p.inbox = [];
    for (const message of inbox) this.#deliver(id, message);
    this.#link(id);
  }

  #down(id: string): void {
    const box = this.boxes.get(id);
    if (!box || this.boxes.size < 2) return;
    box.scaledDown = true;
    const p = box.process;
    if (!p || p.frozen || p.stuck) {
      this.#end(id);
      this.boxes.delete(id);
      return this.#report();
    }
    this.#ask(id, p, 'leave');
  }

  #ask(id: string, p: Process, what: 'leave' | 'stop'): void {
    p.asked = what;
    if (!p.group && !p.stuck) this.#leave(id);
  }

  #leave(id: string): void {
    const p = this.boxes.get(id)?.process;
    if (!p) return;
    this.#say(id, { type: 'leaving', step: p.step, checkpointed: false });
    this.#end(id);
    if (!this.boxes.get(id)?.scaledDown) return;
    this.boxes.delete(id);
    this.#report();
  }

  #fail(id: string): void {
    const p = this.boxes.get(id)?.process;
    if (!p || p.frozen || p.stuck) return;
    this.#failures += 1;
    const where = { fatal: false, fingerprint: 'train.py:1', traceback: 'Traceback', step: p.step };
    this.#say(id, { type: 'failed', message: 'ValueError', ...where });
    this.#end(id);
  }

  /** Its process ends; the link closes, and who was in a group with it notices. */
  #end(id: string): void {
    const p = this.boxes.get(id)?.process;
    if (!p) return;
    const { linked, incarnation, cut } = p;
    const { group } = p;
    this.#exit(id);
    if (group && !cut) this.#break(group);
    // The engine closes the sockets of a container that is off the network, and nobody hears of it.
    if (linked && !cut) this.#take({ type: 'closed', id, incarnation });
  }

  #exit(id: string): void {
    const box = this.boxes.get(id);
    if (box) box.process = null;
  }

  #break(group: Told): void {
    const { generation } = group;
    for (const { id } of group.members) {
      const p = this.boxes.get(id)?.process;
      if (p?.group !== group || p.stuck || p.frozen) continue;
      p.group = null;
      if ((p.newest?.generation ?? 0) > generation) continue;
      const message: WorkerMessage = { type: 'broken', generation, reason: 'reset' };
      p.sticky.set('broken', message);
      this.#say(id, message);
    }
  }

  #phase(id: string, p: Process): Phase {
    if (p.stuck) return 'compute';
    if (!p.ready) return 'starting';
    if (p.finishing) return 'finishing';
    if (!p.group) return p.generation === null ? 'idle' : 'regroup';
    const all = p.group.members.map(x => this.boxes.get(x.id)?.process);
    const moves = all.every(q => q?.group === p.group && this.#able(q) && (!q.deaf || all.length === 1));
    return moves ? 'compute' : 'reduce';
  }

  #beat(id: string): void {
    const p = this.boxes.get(id)?.process;
    if (!p || p.frozen || p.cut) return;
    const { generation, step } = p;
    this.#say(id, {
      ...{ type: 'heartbeat', generation, step, phase: this.#phase(id, p), loss: 1, samples: step },
      ...{ epoch: 0, at: this.now, phaseMs: 0, computeMs: p.slow ? 500 : 50, slices: 1, waitMs: 0 },
      ...{ checks: p.checks, checkedStep: p.checks > 0 ? step : null, skipped: 0 },
    });
  }
}
