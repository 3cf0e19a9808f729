import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isMet, type Look, parseWhen } from '../../../chaos/when.ts';
import type { Status } from '../../../src/api/status.ts';
import type { Phase } from '../../../src/protocol/inbound.ts';

interface Seen {
  readonly step?: number;
  readonly generation?: number;
  readonly phases?: readonly Phase[];
  readonly writing?: boolean;
  /** A loss that training has not gone on after. */
  readonly lost?: boolean;
}
const look = ({ step = 0, generation = 1, phases = [], writing = false, lost = false }: Seen): Look => ({
  status: {
    step,
    generation,
    workers: phases.map(phase => ({ phase })),
    recoveries: lost ? [{ resumedMs: null }] : [],
  } as unknown as Status,
  writing,
});

/** At which of these looks it is met. */
function met(when: string, looks: readonly Seen[]): number[] {
  const seen = looks.map(look);
  return seen.flatMap((now, i) => (isMet(parseWhen(when), seen[i - 1] ?? null, now) ? [i] : []));
}

describe('what is waited for', () => {
  it('is a step, from then on, though no look shows that very one', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 30 }),
        fc.array(fc.nat({ max: 8 }), { minLength: 1 }),
        (step, deltas) => {
          let at = 0;
          const steps = deltas.map(d => ({ step: (at += d) }));
          const first = steps.findIndex(s => s.step >= step);
          const from = first === -1 ? steps.length : first;
          expect(met(`step=${step}`, steps)).toEqual(steps.map((_, i) => i).slice(from));
        },
      ),
    );
  });

  it('is a phase, each time it begins', () => {
    const looks: Seen[] = [
      { phases: ['compute'] },
      { phases: ['sync', 'compute'] },
      { phases: ['sync'] },
      {},
      { phases: ['sync'] },
    ];
    expect(met('phase=sync', looks)).toEqual([1, 4]);
    expect(
      met('phase=checkpoint', [{}, { writing: true }, { writing: true }, {}, { phases: ['checkpoint'] }]),
    ).toEqual([1, 4]);
  });

  it('is a regroup also where no heartbeat tells of it', () => {
    expect(met('phase=regroup', [{}, { generation: 2 }, { generation: 2 }, { generation: 3 }])).toEqual([
      1, 3,
    ]);
    expect(met('phase=regroup', [{}, { lost: true }, { lost: true }])).toEqual([1]);
  });

  it.each([
    ['step=x', /Write step=100/],
    ['phase=chekpoint', /Did you mean "phase=checkpoint"/],
    ['100', /Write step=100/],
  ])('is refused where it is %s', (text, hint) => {
    expect(() => parseWhen(text)).toThrow(
      expect.objectContaining({ code: 'FTC_USAGE', hint: expect.stringMatching(hint) as string }) as Error,
    );
  });
});
