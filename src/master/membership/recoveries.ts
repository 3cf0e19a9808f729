/** Follows each loss until the job is whole again. Measured from what was seen, never estimated. */
import { type LossCause, lossText } from '../../api/loss-cause.ts';
import type { Fact } from '../../api/fact.ts';
import type { Effect } from './events.ts';
import type { Membership } from './state.ts';
import { nameOf, rankOf, target } from './state.ts';
import { history } from './effects.ts';

/** Members `ids` of the current generation are lost. Joins a recovery that has not resumed yet: one outage is one recovery. */
export function open(m: Membership, ids: string[], now: number): Effect[] {
  const lostRanks = ids.map(id => rankOf(m, id));
  const found = ids.map(id => causeOf(m, id));
  const causes = found.map(({ kind }) => kind);
  const cause = [...new Set(found.map(lossText))].join(', ');
  const last = m.recoveries.at(-1);
  if (last?.resumedMs === null) {
    last.lost.push(...ids);
    last.lostRanks.push(...lostRanks);
    last.causes.push(...causes);
    last.generation = m.current.generation + 1;
    last.atStep = Math.max(last.atStep, heldStep(m, ids));
  } else {
    m.recoveries.push({
      generation: m.current.generation + 1,
      cause,
      causes,
      lost: [...ids],
      lostRanks,
      atStep: heldStep(m, ids),
      resumedStep: null,
      stepsLost: null,
      resumedMs: null,
      wholeMs: null,
      at: now,
    });
  }
  return ids.map((id, i) =>
    history(
      'warn',
      {
        what: 'rank-lost',
        name: nameOf(m, id),
        rank: lostRanks[i] ?? null,
        step: stepOf(m, id, m.bestStep),
        causes: found,
      },
      { worker: id, rank: lostRanks[i] ?? null, step: m.bestStep },
    ),
  );
}

/**
 * The last step that was committed for good: that every survivor holds. A rank takes part in step t + 1 only when it holds
 * step t; so one that told of t + 1 and died vouches for t. Without survivors it is the highest that was told.
 */
function heldStep(m: Membership, lost: readonly string[]): number {
  const members = m.current.members.flatMap(x => m.workers.get(x.id) ?? []);
  const survivors = members.filter(w => w.connected && !lost.includes(w.id));
  if (survivors.length === 0) return m.bestStep;
  return Math.max(...members.map(w => (survivors.includes(w) ? w.step : w.step - 1)));
}

/** What a master that dies before training goes on needs to know of the last one. */
export function opened({ recoveries }: Membership): Effect[] {
  const last = recoveries.at(-1);
  return last ? [{ type: 'journal', entry: { type: 'recovery', recovery: structuredClone(last) } }] : [];
}

/** A member of `generation` committed its first step there, at `at` on the workers' clock. */
export function committed(
  m: Membership,
  generation: number,
  step: number,
  fromStep: number,
  at: number,
): Effect[] {
  const effects: Effect[] = [];
  for (const r of m.recoveries) {
    if (r.generation > generation || generation !== m.current.generation) continue;
    if (r.resumedStep === null) {
      r.resumedStep = step;
      r.stepsLost = Math.max(0, r.atStep - fromStep);
      r.resumedMs = round(at - r.at);
      const { resumedMs: afterMs, stepsLost } = r;
      effects.push(history('info', { what: 'resumed', step, afterMs, stepsLost }, { step }));
      effects.push({ type: 'journal', entry: { type: 'recovery', recovery: { ...r } } });
    }
    if (r.wholeMs === null && m.current.members.length >= target(m)) {
      r.wholeMs = round(at - r.at);
      const ranks = m.current.members.length;
      effects.push(history('info', { what: 'fully-recovered', ranks, afterMs: r.wholeMs }, { step }));
      effects.push({ type: 'journal', entry: { type: 'recovery', recovery: { ...r } } });
    }
  }
  return effects;
}

/** The scripts of all members run again, the last of them since `at` on its clock. Nobody knows their steps. */
export function restarted(m: Membership, at: number): Effect[] {
  const effects: Effect[] = [];
  for (const r of m.recoveries) {
    if (r.generation > m.current.generation) continue;
    const tell = (fact: Fact): void => {
      effects.push(history('info', fact));
      effects.push({ type: 'journal', entry: { type: 'recovery', recovery: { ...r } } });
    };
    if (r.resumedMs === null) {
      r.resumedMs = round(at - r.at);
      tell({ what: 'resumed', step: null, afterMs: r.resumedMs, stepsLost: 0 });
    }
    if (r.wholeMs === null && m.current.members.length >= target(m)) {
      r.wholeMs = round(at - r.at);
      tell({ what: 'fully-recovered', ranks: m.current.members.length, afterMs: r.wholeMs });
    }
  }
  return effects;
}

/** Nobody knows the steps of a script that knows nothing of ftc. */
export const stepOf = (m: Membership, id: string, step: number): number | null =>
  m.workers.get(id)?.script ? null : step;

const round = (ms: number): number => Math.max(0, Math.round(ms * 10) / 10);

function causeOf(m: Membership, id: string): LossCause {
  const w = m.workers.get(id);
  const replaced = w !== undefined && w.incarnation !== m.current.members[rankOf(m, id)]?.incarnation;
  return replaced ? { kind: 'replaced' } : (w?.lostBy ?? { kind: 'missing' });
}
