/** What a run of a scenario comes to, as JSON: for scripts, and for whoever draws it again. */
import { z } from 'zod';
import { Evidence } from '../evidence/evidence.ts';
import { Verdict } from '../hypotheses/index.ts';

/** Goes up when a reader of the older one would be misled. */
export const REPORT_VERSION = 1;

export const conclusions = ['holds', 'broken', 'not judged', 'skipped', 'interrupted'] as const;
const Conclusion = z.enum(conclusions);

export const Ground = z.object({
  ftc: z.string(),
  node: z.string(),
  engine: z.string(),
  compose: z.string(),
  os: z.string(),
  kernel: z.string(),
  architecture: z.string(),
  cpus: z.int(),
  /** Bytes. */
  memory: z.number(),
});
export type Ground = z.infer<typeof Ground>;

export const RunReport = z.object({
  version: z.literal(REPORT_VERSION),
  kind: z.literal('run'),
  scenario: z.object({
    name: z.string(),
    title: z.string(),
    description: z.string(),
    /** Its file as it was; null where there is none. */
    text: z.string().nullable(),
  }),
  seed: z.int(),
  conclusion: Conclusion,
  /** Why it is no pass; null where it is one. */
  reason: z.string().nullable(),
  verdicts: z.array(Verdict),
  /** The method as this seed made it, for people. */
  method: z.array(z.string()),
  job: z.object({
    script: z.string(),
    workers: z.int(),
    standbys: z.int(),
    steps: z.int().nullable(),
    virtualRanks: z.int(),
    checkpointEvery: z.int(),
    /** Milliseconds. */
    heartbeat: z.number(),
  }),
  undisturbed: z.object({ digest: z.string(), steps: z.int(), trainingMs: z.number() }).nullable(),
  evidence: Evidence.nullable(),
  ground: Ground,
  /** What makes this run once more. */
  command: z.string(),
  /** ISO 8601, when the report was written. */
  writtenAt: z.string(),
});
export type RunReport = z.infer<typeof RunReport>;

export const IndexReport = z.object({
  version: z.literal(REPORT_VERSION),
  kind: z.literal('runs'),
  command: z.string(),
  writtenAt: z.string(),
  ground: Ground,
  runs: z.array(
    z.object({
      /** Beside this one, without the ending: `.html` and `.json` are there. */
      file: z.string(),
      name: z.string(),
      title: z.string(),
      seed: z.int(),
      conclusion: Conclusion,
      reason: z.string().nullable(),
      faults: z.int(),
      losses: z.int(),
      stepsLost: z.int(),
      stepsRepeated: z.int(),
      /** From each loss to the next committed step, milliseconds. */
      recoveries: z.array(z.number()),
      /** From the first step to the end, milliseconds. */
      tookMs: z.number().nullable(),
    }),
  ),
});
export type IndexReport = z.infer<typeof IndexReport>;
