/** What bench/jobs/train_checkpoints.py leaves, and the figures that follow from it. Pure. Times are milliseconds. */
import { z } from 'zod';
import { median } from '../stats.ts';

export const ways = ['none', 'save', 'async', 'ftc'] as const;
export type Way = (typeof ways)[number];

const ms = z.number().nonnegative();

const Save = z.object({
  /** Training stood still for this long. */
  stall: ms,
  /** From the step's commit until the files were synced. */
  durable: ms,
  /** `save`: torch.save alone, without what makes it durable. */
  call: ms.optional(),
  /** `ftc`: by how much it began late, since the one before was still being written. */
  delayed: ms.optional(),
});

const Stretch = z.object({
  way: z.enum(ways),
  ms: z.number().positive(),
  steps: z.int().positive(),
  due: z.int().nonnegative(),
  saves: z.array(Save),
});
export type Stretch = z.infer<typeof Stretch>;

export const Measured = z.object({
  bytes: z.int().positive(),
  /** One copy of the state's tensors into memory that had been touched; one before each stretch. */
  copy: z.array(ms).min(1),
  stretches: z.array(Stretch),
  /** Of the newest checkpoint, in turn: loading it, verified, into model and optimizer; reading and hashing its file. */
  resume: z.array(z.tuple([ms, ms])).min(1),
});
export type Measured = z.infer<typeof Measured>;

export interface WayFigures {
  readonly stepMs: number;
  /** Speed, as a share of that without checkpoints in the same round; median of the rounds. */
  readonly kept: number;
  /** The least and the greatest of the rounds. */
  readonly keptRange: readonly [number, number];
  readonly rounds: number;
  readonly stallMs: number;
  /** Of `save`: the call of torch.save alone. */
  readonly callMs: number;
  readonly durableMs: number;
  readonly written: number;
  readonly due: number;
}

/** Medians over everything that one way did. */
export function figures({ stretches }: Measured, way: Way): WayFigures {
  const own = stretches.filter(s => s.way === way);
  const saves = own.flatMap(s => s.saves);
  const kept = ratios(stretches, way);
  return {
    stepMs: median(own.map(s => s.ms / s.steps)),
    kept: median(kept),
    keptRange: [Math.min(...kept), Math.max(...kept)],
    rounds: kept.length,
    stallMs: median(saves.map(s => s.stall)),
    callMs: median(saves.map(s => s.call ?? NaN)),
    durableMs: median(saves.map(s => s.durable)),
    written: saves.length,
    due: way === 'none' ? 0 : own.reduce((sum, s) => sum + s.due, 0),
  };
}

/** Time of the round's stretch without checkpoints ÷ time of this one; a round is one stretch of each way. */
export function ratios(stretches: readonly Stretch[], way: Way): number[] {
  const found: number[] = [];
  for (let i = 0; i < stretches.length; i += ways.length) {
    const round = stretches.slice(i, i + ways.length);
    const base = round.find(s => s.way === 'none');
    const own = round.find(s => s.way === way);
    if (!base || !own)
      throw new RangeError(`stretches ${i} to ${i + ways.length - 1} are not one of each way`);
    found.push(base.ms / base.steps / (own.ms / own.steps));
  }
  return found;
}

export interface Resume {
  readonly loadMs: number;
  readonly readMs: number;
  readonly ratio: number;
}

export function resumeOf({ resume }: Measured): Resume {
  return {
    loadMs: median(resume.map(([load]) => load)),
    readMs: median(resume.map(([, read]) => read)),
    ratio: median(resume.map(([load, read]) => load / read)),
  };
}
