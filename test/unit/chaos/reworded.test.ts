import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Evidence } from '../../../chaos/evidence/evidence.ts';
import { Hypotheses, judge } from '../../../chaos/hypotheses/index.ts';
import { kindOf } from '../../../src/api/event.ts';
import type { Fact } from '../../../src/api/fact.ts';
import { wording } from '../../../src/api/wording.ts';
import { any } from '../values.ts';
import { evidence } from './seen.ts';

const SENTENCES: ReadonlySet<string> = new Set(['text', 'cause', 'reason', 'why', 'problem']);

/** The same facts in other words. */
function reworded<T>(value: T, words: string): T {
  if (Array.isArray(value)) return value.map(item => reworded<unknown>(item, words)) as T;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, item]: [string, unknown]): [string, unknown] => [
    key,
    SENTENCES.has(key) && typeof item === 'string' ? words : reworded(item, words),
  ]);
  return Object.fromEntries(entries) as T;
}

/** What an event of this kind says today. */
function sentence(what: Evidence['checkpoints'][number]['what'], step: number): string {
  const sizes = { bytes: 1, stallMs: 1, writeMs: 1, lateMs: 0, failures: 0 };
  switch (what) {
    case 'published':
      return wording({ what: 'checkpoint-published', step, ...sizes }, 1);
    case 'failed':
      return wording({ what: 'checkpoint-failed', step, reason: 'OSError', code: 'EIO' }, 1);
    case 'loaded':
      return wording({ what: 'checkpoint-loaded', step }, 1);
    case 'set aside':
      return `checkpoint step-${step} set aside as .bad-step-${step}-1: state.pt is missing`;
  }
}

const { checkpoints, events, recoveries, missed, starts, generations } = Evidence.shape;
const facts: Fact[] = [
  { what: 'state-changed', state: 'failed', reason: 'no worker is left' },
  { what: 'generation-formed', size: 0, because: { why: 'lost' } },
  { what: 'resumed', step: 7, afterMs: 400, stepsLost: 3 },
];
const lines: Evidence['events'] = facts.map(fact => ({
  ...{ at: 5, level: 'info', step: null },
  ...{ kind: kindOf(fact), text: wording(fact, 2) },
}));

const runs = fc.record({
  checkpoints: any(checkpoints),
  events: any(events),
  recoveries: any(recoveries),
  missed: any(missed),
  starts: any(starts),
  generations: any(generations),
});

it('no verdict changes when every message has other words', () => {
  const limits = Hypotheses.parse({
    succeeds: true,
    stepsLost: 0,
    recovery: { p99: '10s' },
    validCheckpoints: true,
    losses: { atLeast: 1 },
    setAside: { atLeast: 1 },
  });
  fc.assert(
    fc.property(runs, fc.string(), (run, words) => {
      const drawn = Evidence.parse({ ...evidence(), ...run });
      const spoken = drawn.checkpoints.map(one => ({ ...one, text: sentence(one.what, one.step) }));
      const told = { ...drawn, checkpoints: spoken, events: [...drawn.events, ...lines] };
      const verdicts = (e: Evidence): unknown =>
        judge(limits, e, null).map(({ key, holds }) => ({ key, holds }));
      expect(verdicts(reworded(told, words))).toEqual(verdicts(told));
    }),
  );
});
