/** What a soak comes to. Pure. */
import { z } from 'zod';
import { percentile } from '../evidence/percentile.ts';
import { stepsLost } from '../evidence/holders.ts';
import type { Outcome } from '../scenarios/experiment.ts';
import { conclusions } from '../report/schema.ts';

export const SoakReport = z.object({
  version: z.literal(1),
  kind: z.literal('soak'),
  seed: z.int(),
  conclusion: z.enum(conclusions),
  reason: z.string().nullable(),
  rounds: z.int(),
  /** By kind, the most frequent first. */
  faults: z.record(z.string(), z.int()),
  total: z.int(),
  losses: z.int(),
  stepsLost: z.int(),
  stepsRepeated: z.int(),
  /** From a loss to the next committed step, milliseconds; null where nothing was lost. */
  recovery: z.object({ median: z.number(), p99: z.number(), max: z.number() }).nullable(),
  /** Each finished round's; one, where all is well. */
  digests: z.array(z.string()),
  /** Of the job, undisturbed. */
  undisturbed: z.string().nullable(),
  /** The command that does the broken round again. */
  replay: z.string().nullable(),
  command: z.string(),
});
export type SoakReport = z.infer<typeof SoakReport>;

export function soakReport(
  outcomes: readonly Outcome[],
  about: Pick<SoakReport, 'seed' | 'replay' | 'command'>,
): SoakReport {
  const seen = outcomes.flatMap(o => o.evidence ?? []);
  const kinds = new Map<string, number>();
  for (const { fault } of seen.flatMap(e => e.faults)) kinds.set(fault, (kinds.get(fault) ?? 0) + 1);
  const recoveries = seen.flatMap(e => e.recoveries);
  const times = recoveries.flatMap(r => r.resumedMs ?? []);
  const steps = seen.map(e => stepsLost(e.recoveries, e.holders));
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  const at = (p: number): number => percentile(times, p) ?? 0;
  return {
    version: 1,
    kind: 'soak',
    ...concluded(outcomes),
    rounds: outcomes.length,
    faults: Object.fromEntries([...kinds].sort(([a, n], [b, m]) => m - n || a.localeCompare(b))),
    total: sum([...kinds.values()]),
    losses: sum(recoveries.map(r => r.lost.length)),
    stepsLost: sum(steps.map(s => s.lost)),
    stepsRepeated: sum(steps.map(s => s.repeated)),
    recovery: times.length === 0 ? null : { median: at(50), p99: at(99), max: at(100) },
    digests: [...new Set(seen.flatMap(e => e.digest ?? []))],
    undisturbed: outcomes.find(o => o.undisturbed)?.undisturbed?.digest ?? null,
    ...about,
  };
}

/** The gravest of all rounds; without a fault nothing is proved. */
function concluded(outcomes: readonly Outcome[]): Pick<SoakReport, 'conclusion' | 'reason'> {
  for (const conclusion of ['broken', 'interrupted', 'skipped', 'not judged'] as const) {
    const one = outcomes.find(o => o.conclusion === conclusion);
    if (one) return { conclusion, reason: `${one.scenario.title.toLowerCase()}: ${one.reason ?? ''}` };
  }
  const some = outcomes.some(o => (o.evidence?.faults.length ?? 0) > 0);
  return some
    ? { conclusion: 'holds', reason: null }
    : { conclusion: 'not judged', reason: 'there was no fault' };
}
