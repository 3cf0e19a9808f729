import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { happenings, nothingSeen, type Seen } from '../../../../src/api/happenings.ts';
import { Payload, payloadOf, together } from '../../../../src/api/hook-payload.ts';
import {
  add,
  due,
  emptyQueue,
  hurried,
  type Item,
  MOST_TRIES,
  type Outcome,
  type Queue,
  RECOVERY_GAP_MS,
  restored,
  tried,
} from '../../../../src/master/hooks/queue.ts';
import { recovery, status } from './seen.ts';

const about = { run: 'a1', event: 7, at: 1_764_000_000_000 };
const recovered = (at: number): Payload =>
  payloadOf({ hook: 'onRecovery', recovery: recovery(at) }, status(), about);
const succeeded = payloadOf({ hook: 'onSuccess' }, status({ state: 'succeeded' }), about);

describe('what is news', () => {
  it('is a loss that training went on after, a failure, a success, each once', () => {
    const open = recovery(100, { resumedMs: null, resumedStep: null });
    const first = happenings(nothingSeen, status({ recoveries: [open] }));
    expect(first.found).toEqual([]);
    const second = happenings(first.seen, status({ recoveries: [recovery(100)] }));
    expect(second.found).toEqual([{ hook: 'onRecovery', recovery: recovery(100) }]);
    const third = happenings(second.seen, status({ state: 'failed', recoveries: [recovery(100)] }));
    expect(third.found).toEqual([{ hook: 'onFailure' }]);
    expect(happenings(third.seen, status({ state: 'failed', recoveries: [recovery(100)] })).found).toEqual(
      [],
    );
    expect(happenings(nothingSeen, status({ state: 'succeeded' })).found).toEqual([{ hook: 'onSuccess' }]);
  });

  it.each(['waiting', 'running', 'finishing', 'stopping', 'stopped'] as const)(
    'is not that it is %s',
    state => {
      expect(happenings(nothingSeen, status({ state })).found).toEqual([]);
    },
  );
});

describe('what is told', () => {
  it('is a sentence, and the numbers behind it', () => {
    expect(recovered(100)).toMatchObject({
      hook: 'onRecovery',
      kind: 'recovery',
      text: 'mine: training resumed at step 121, 410 ms after the loss of rank 1',
      job: 'mine',
      state: 'running',
      step: 121,
      generation: 4,
      time: '2025-11-24T16:00:00.000Z',
      event: 7,
      count: 1,
      recovery: { cause: 'link closed', lostRanks: [1], atStep: 119, resumedStep: 121, stepsLost: 0 },
    });
    const failed = status({ state: 'failed', reason: 'ValueError: no' });
    expect(payloadOf({ hook: 'onFailure' }, failed, about).text).toBe(
      'mine failed at step 120: ValueError: no',
    );
    const done = status({ state: 'succeeded', step: 500, finalDigest: 'ab', metrics: { accuracy: 0.9 } });
    expect(payloadOf({ hook: 'onSuccess' }, done, about)).toMatchObject({
      text: 'mine succeeded at step 500',
      digest: 'ab',
      metrics: { accuracy: 0.9 },
    });
  });

  it('has one id for one thing, however often and by whom it is told, and another in another run', () => {
    expect(recovered(100).id).toBe(recovered(100).id);
    const ids = [
      recovered(100),
      recovered(101),
      succeeded,
      payloadOf({ hook: 'onFailure' }, status(), about),
      payloadOf({ hook: 'onSuccess' }, status(), { ...about, run: 'b2' }),
    ].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const later = payloadOf({ hook: 'onSuccess' }, status({ step: 1 }), { run: 'a1', event: null, at: 5 });
    expect(later.id).toBe(succeeded.id);
  });

  it('is bounded, whatever a script, a worker or a name say', () => {
    const long = 'ä\u202e\0'.repeat(100_000);
    const metrics = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`${i}${long}`, i]));
    const lostRanks = Array.from({ length: 5000 }, (_, i) => i);
    const huge = status({ reason: long, metrics, state: 'failed', job: 'x'.repeat(63) });
    for (const happening of [
      { hook: 'onFailure' } as const,
      { hook: 'onRecovery', recovery: recovery(1, { cause: long, lostRanks }) } as const,
    ]) {
      const payload = payloadOf(happening, huge, about);
      expect(Payload.parse(JSON.parse(JSON.stringify(payload)))).toEqual(payload);
      expect(JSON.stringify(payload).length).toBeLessThan(64_000);
    }
  });

  it('counts recoveries that are told together', () => {
    const three = together(together(recovered(1), recovered(2)), recovered(3));
    expect(three).toMatchObject({ id: recovered(3).id, count: 3 });
    expect(three.text).toMatch(/rank 1 \(3 recoveries\)$/);
  });
});

/** Sends what is due, one try each with this outcome. */
function pump(
  queue: Queue,
  now: number,
  outcome: Outcome,
): { queue: Queue; sent: readonly Item[]; lost: number } {
  const { queue: begun, start } = due(queue, now);
  let [after, lost] = [begun, 0];
  for (const item of start) {
    const done = tried(after, item, outcome, now, 1);
    after = done.queue;
    lost += Number(done.lost);
  }
  return { queue: after, sent: start, lost };
}

describe('when it is sent', () => {
  it('is at once, to each URL, and no more when it is delivered', () => {
    const { queue, sent } = pump(add(emptyQueue, succeeded, 2, 0), 0, 'delivered');
    expect(sent.map(({ to }) => to)).toEqual([0, 1]);
    expect(queue.items).toEqual([]);
  });

  it('is again later and later, and in the end never', () => {
    let queue = add(emptyQueue, succeeded, 1, 0);
    const at: number[] = [];
    let lost = 0;
    for (let now: number | null = 0; now !== null; now = due(queue, now).wakeAt) {
      at.push(now);
      const done = pump(queue, now, 'later');
      queue = done.queue;
      lost += done.lost;
    }
    expect(at).toEqual([0, 1000, 5000, 21_000, 85_000]);
    expect(at).toHaveLength(MOST_TRIES);
    expect(lost).toBe(1);
    expect(pump(add(emptyQueue, succeeded, 1, 0), 0, 'never')).toMatchObject({
      lost: 1,
      queue: { items: [] },
    });
  });

  it('is once for recoveries in quick succession, and at once for what is left at the end', () => {
    let queue = pump(add(emptyQueue, recovered(0), 1, 0), 0, 'delivered').queue;
    for (const at of [10, 20, 30]) queue = add(queue, recovered(at), 1, at);
    expect(due(queue, 40)).toMatchObject({ start: [], wakeAt: RECOVERY_GAP_MS });
    expect(due(queue, RECOVERY_GAP_MS).start.map(({ payload }) => payload.count)).toEqual([3]);
    const ended = add(queue, succeeded, 1, 50);
    expect(due(ended, 50).start.map(({ payload }) => payload.hook)).toEqual(['onRecovery', 'onSuccess']);
  });

  it('is at once when the process is about to end', () => {
    const waits = pump(add(emptyQueue, succeeded, 1, 0), 0, 'later').queue;
    expect(due(waits, 1).start).toEqual([]);
    expect(due(hurried(waits), 1).start).toHaveLength(1);
  });

  it('is bounded: behind a server that does not answer one recovery piles up, and counts', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3000), { minLength: 1, maxLength: 200 }), gaps => {
        let [queue, now, told] = [emptyQueue, 0, 0];
        for (const gap of gaps) {
          now += gap;
          queue = add(queue, recovered(now), 3, now);
          const done = pump(queue, now, 'later');
          queue = done.queue;
          told += done.lost;
        }
        expect(queue.items.length).toBeLessThanOrEqual(6);
        expect(told).toBeLessThanOrEqual(3 * (1 + now / 80_000));
      }),
    );
  });
});

/** A master and its disk: crashes lose what is not on the disk; the job's status is what the journal keeps. */
class Machine {
  queue: Queue = emptyQueue;
  seen: Seen = nothingSeen;
  disk: { seen: Seen; unsent: Item[] } = { seen: nothingSeen, unsent: [] };
  now = 1;
  state: 'running' | 'failed' | 'succeeded' = 'running';
  readonly recoveries: number[] = [];
  /** Ids that a server took, with how many things each stood for. */
  readonly got: { id: string; hook: string; count: number }[] = [];

  perform(what: string): void {
    this.now += 700;
    if (what === 'recover' && this.state === 'running') this.recoveries.push(this.now);
    if ((what === 'failed' || what === 'succeeded') && this.state === 'running') this.state = what;
    if (what.startsWith('crash')) {
      // Before it looked, or after it noted what is new, or after a server took it.
      if (what !== 'crash early') this.look();
      if (what === 'crash late') this.send('delivered', false);
      this.seen = this.disk.seen;
      this.queue = restored(this.disk.unsent, this.now);
    }
    this.look();
    if (what === 'refuse') this.send('later', true);
    if (what === 'answer') this.send('delivered', true);
  }

  look(): void {
    const s = status({ state: this.state, recoveries: this.recoveries.map(at => recovery(at)) });
    const { seen, found } = happenings(this.seen, s);
    this.seen = seen;
    for (const one of found)
      this.queue = add(this.queue, payloadOf(one, s, { ...about, at: this.now }), 1, this.now);
    if (found.length > 0) this.keep();
  }

  send(outcome: Outcome, keeps: boolean): void {
    const { queue, sent } = pump(this.queue, this.now, outcome);
    this.queue = queue;
    if (outcome === 'delivered')
      this.got.push(...sent.map(({ payload: { id, hook, count } }) => ({ id, hook, count })));
    if (keeps) this.keep();
  }

  keep(): void {
    this.disk = { seen: this.seen, unsent: [...this.queue.items] };
  }

  /** Nothing more happens, and the server answers. */
  calm(): void {
    for (let i = 0; i < 4 && this.queue.items.length > 0; i += 1) {
      this.now += 100_000;
      this.send('delivered', true);
    }
  }
}

const happens = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.constant('recover') },
    { weight: 5, arbitrary: fc.constantFrom('answer', 'pass') },
    { weight: 1, arbitrary: fc.constant('refuse') },
    { weight: 1, arbitrary: fc.constantFrom('failed', 'succeeded') },
  ),
  { maxLength: 60 },
);
const crash = fc.constantFrom('crash early', 'crash', 'crash late');

const live = (history: readonly string[]): Machine => {
  const machine = new Machine();
  // A server that never answers loses things on purpose: these do not refuse that often.
  let refused = 0;
  for (const what of history) {
    if (what === 'refuse') refused += 1;
    if (what !== 'refuse' || refused < MOST_TRIES - 1) machine.perform(what);
  }
  machine.calm();
  return machine;
};

it('everything is delivered exactly once where the master lives', () => {
  fc.assert(
    fc.property(happens, history => {
      const { got, recoveries, state } = live(history);
      const told = got.filter(({ hook }) => hook === 'onRecovery').reduce((sum, { count }) => sum + count, 0);
      expect(told).toBe(recoveries.length);
      expect(got.filter(({ hook }) => hook !== 'onRecovery')).toHaveLength(state === 'running' ? 0 : 1);
      expect(new Set(got.map(({ id }) => id)).size).toBe(got.length);
    }),
    { numRuns: 3000 },
  );
});

it('everything is delivered where it dies at any time, and what is delivered twice has one id', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof({ weight: 4, arbitrary: happens }, { weight: 2, arbitrary: crash.map(c => [c]) }), {
        maxLength: 8,
      }),
      parts => {
        const { got, recoveries, state } = live(parts.flat());
        const once = [...new Map(got.map(one => [one.id, one])).values()];
        const told = once
          .filter(({ hook }) => hook === 'onRecovery')
          .reduce((sum, { count }) => sum + count, 0);
        expect(told).toBe(recoveries.length);
        expect(once.filter(({ hook }) => hook !== 'onRecovery')).toHaveLength(state === 'running' ? 0 : 1);
      },
    ),
    { numRuns: 3000 },
  );
});
