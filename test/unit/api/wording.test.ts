import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JobEvent, kindOf } from '../../../src/api/event.ts';
import { Fact } from '../../../src/api/fact.ts';
import { wording } from '../../../src/api/wording.ts';
import { History } from '../../../src/master/history.ts';
import { any } from '../values.ts';

const whats = Fact.options.map(option => option.shape.what.value);

describe('a fact', () => {
  it.each(Fact.options.map(option => [option.shape.what.value, option] as const))(
    '%s has a sentence, and comes back from the wire as it was',
    (what, option) => {
      fc.assert(
        fc.property(any(option), value => {
          fc.pre(Fact.safeParse(value).success);
          const fact = Fact.parse(value);
          const text = wording(fact, 7);
          expect(text).not.toMatch(/undefined|\[object|NaN/);
          const event = new History().add(
            { level: 'info', fact, worker: null, rank: null, step: null },
            7,
            5,
          );
          const back = JobEvent.parse(JSON.parse(JSON.stringify(event)));
          expect(back.fact).toEqual(fact);
          expect(back.kind).toBe(kindOf(fact));
          expect(back.fact?.what).toBe(what);
        }),
      );
    },
  );

  it('of a newer version is none, and its event is read all the same', () => {
    const known = new History().add(
      { level: 'info', fact: { what: 'workers-wanted', wanted: 3 }, worker: null, rank: null, step: null },
      1,
      5,
    );
    const told = JobEvent.parse({ ...known, fact: { what: 'eaten-by-a-whale' } });
    expect(told).toMatchObject({ fact: null, text: '3 workers wanted' });
  });

  it('has a name of its own', () => {
    expect(new Set(whats).size).toBe(whats.length);
    for (const what of whats) expect(what).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
  });
});
