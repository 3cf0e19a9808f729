import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  begin,
  due,
  fire,
  type Ledger,
  type Mark,
  missed,
  type Progress,
  targetSeed,
  type Timing,
} from '../../../chaos/schedule.ts';

const mark: fc.Arbitrary<Mark> = fc.oneof(
  fc.record({ steps: fc.integer({ min: 1, max: 50 }) }),
  fc.record({ ms: fc.integer({ min: 1, max: 5_000 }) }),
);
const timing: fc.Arbitrary<Timing> = fc.oneof(
  fc.record({ at: mark }),
  fc.record({ every: mark, times: fc.option(fc.integer({ min: 1, max: 5 })) }),
);
const plans = fc.array(fc.record({ timing }), { maxLength: 6 });
/** A training's progress as looks at it show it: it never goes back, and may stand still. */
const looks = fc.array(fc.tuple(fc.nat({ max: 10 }), fc.nat({ max: 900 })), { maxLength: 60 }).map(deltas => {
  let now: Progress = { steps: 0, ms: 0 };
  return deltas.map(([steps, ms]) => (now = { steps: now.steps + steps, ms: now.ms + ms }));
});

interface Firing {
  readonly index: number;
  readonly at: Progress;
}

/** Plays a run in which every fault can be applied as soon as `able` says. */
function play(
  plan: readonly { timing: Timing }[],
  seen: readonly Progress[],
  able: (look: number) => boolean = () => true,
): { firings: Firing[]; ledger: Ledger } {
  const firings: Firing[] = [];
  let ledger = begin(plan);
  for (const [look, at] of seen.entries()) {
    if (!able(look)) continue;
    for (const index of due(plan, ledger, at)) {
      firings.push({ index, at });
      ledger = fire(ledger, index, at);
    }
  }
  return { firings, ledger };
}

const amount = (m: Mark, p: Progress): number => ('steps' in m ? p.steps : p.ms);
const size = (m: Mark): number => ('steps' in m ? m.steps : m.ms);

describe('a schedule', () => {
  it('applies what comes once exactly once, and not too early, if its time comes at all', () => {
    fc.assert(
      fc.property(plans, looks, (plan, seen) => {
        const { firings, ledger } = play(plan, seen);
        for (const [index, { timing: t }] of plan.entries()) {
          if (!('at' in t)) continue;
          const mine = firings.filter(f => f.index === index);
          const reached = seen.find(p => amount(t.at, p) >= size(t.at));
          expect(mine.map(f => f.at)).toEqual(reached ? [reached] : []);
          expect(missed(plan, ledger).includes(index)).toBe(reached === undefined);
        }
      }),
    );
  });

  it('keeps the interval of what comes again and again, and its number, whatever held it up', () => {
    fc.assert(
      fc.property(plans, looks, fc.array(fc.boolean()), (plan, seen, blocked) => {
        const { firings } = play(plan, seen, look => blocked[look] !== true);
        for (const [index, { timing: t }] of plan.entries()) {
          if (!('every' in t)) continue;
          const mine = firings.filter(f => f.index === index).map(f => amount(t.every, f.at));
          for (const [i, at] of mine.entries())
            expect(at - (mine[i - 1] ?? 0)).toBeGreaterThanOrEqual(size(t.every));
          if (t.times !== null) expect(mine.length).toBeLessThanOrEqual(t.times);
        }
      }),
    );
  });

  it('holds what cannot be applied yet, and forgets nothing', () => {
    fc.assert(
      fc.property(mark, looks, fc.nat({ max: 60 }), (at, seen, until) => {
        const { firings } = play([{ timing: { at } }], seen, look => look >= until);
        const first = seen.findIndex((p, look) => look >= until && amount(at, p) >= size(at));
        expect(firings.map(f => f.at)).toEqual(first === -1 ? [] : [seen[first]]);
      }),
    );
  });

  it('is the same for the same looks', () => {
    fc.assert(
      fc.property(plans, looks, (plan, seen) => {
        expect(play(plan, seen)).toEqual(play(plan, seen));
      }),
    );
  });

  it('chooses targets anew for every firing, and the same ones for the same seed', () => {
    fc.assert(
      fc.property(fc.nat(), seed => {
        const seeds = [0, 1, 2].flatMap(index => [0, 1, 2].map(times => targetSeed(seed, index, times)));
        expect(new Set(seeds).size).toBe(seeds.length);
        expect(targetSeed(seed, 1, 1)).toBe(seeds[4]);
      }),
    );
  });
});
