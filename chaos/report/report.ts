/** From what a run came to, to its report. Pure. */
import { basename } from 'node:path';
import { builtinOf } from '../../src/job/job.ts';
import type { Outcome } from '../scenarios/experiment.ts';
import { stepsLost } from '../evidence/holders.ts';
import { describeDeed, describeTiming } from '../scenarios/method.ts';
import { type Ground, type IndexReport, REPORT_VERSION, type RunReport } from './schema.ts';

export interface About {
  readonly ground: Ground;
  /** Makes this run once more. */
  readonly command: string;
  /** The scenario's file; null where there is none. */
  readonly text: string | null;
  readonly writtenAt: string;
}

export function runReport(o: Outcome, { ground, command, text, writtenAt }: About): RunReport {
  const { scenario, job } = o;
  const { name, title, description } = scenario;
  return {
    version: REPORT_VERSION,
    kind: 'run',
    scenario: { name, title, description, text },
    seed: o.seed,
    conclusion: o.conclusion,
    reason: o.reason,
    verdicts: [...o.verdicts],
    method: o.entries.map(({ deed, timing }) => `${describeTiming(timing)}: ${describeDeed(deed)}`),
    job: {
      script: builtinOf(job.script) ?? basename(job.script),
      workers: job.workers,
      standbys: job.standbys,
      steps: 'steps' in job.length ? job.length.steps : (o.evidence?.totalSteps ?? null),
      virtualRanks: job.virtualRanks,
      checkpointEvery: job.checkpoint.every,
      heartbeat: job.recovery.heartbeat,
    },
    undisturbed: o.undisturbed,
    evidence: o.evidence,
    ground,
    command,
    writtenAt,
  };
}

export function indexReport(
  runs: readonly { readonly file: string; readonly report: RunReport }[],
  about: Pick<About, 'ground' | 'command' | 'writtenAt'>,
): IndexReport {
  return {
    version: REPORT_VERSION,
    kind: 'runs',
    ...about,
    runs: runs.map(({ file, report }) => row(file, report)),
  };
}

function row(file: string, r: RunReport): IndexReport['runs'][number] {
  const e = r.evidence;
  const { lost, repeated } = e ? stepsLost(e.recoveries, e.holders) : { lost: 0, repeated: 0 };
  return {
    file,
    name: r.scenario.name,
    title: r.scenario.title,
    seed: r.seed,
    conclusion: r.conclusion,
    reason: r.reason,
    faults: e?.faults.length ?? 0,
    losses: e?.recoveries.reduce((sum, x) => sum + x.lost.length, 0) ?? 0,
    stepsLost: lost,
    stepsRepeated: repeated,
    recoveries: e?.recoveries.flatMap(x => x.resumedMs ?? []) ?? [],
    tookMs: e?.firstStep == null ? null : e.end - e.firstStep,
  };
}

/** A name for a run's files: nothing that a file system or an address would take amiss. */
export function fileName(index: number, scenario: string, seed: number): string {
  const plain = scenario
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 60);
  return `${String(index + 1).padStart(2, '0')}-${plain || 'run'}-seed-${seed}`;
}
