/** A line of `metrics.jsonl`: what the script logged in a committed step. The worker writes them (images/worker/ftc/metrics_log.py). */

/** The job's own directory in the volume has it under this name. */
export const METRICS = 'metrics.jsonl';

/** `step`, `epoch`, `samples`, `loss`, and the script's own metrics by name. Null is a number that was not finite. */
export interface StepLine {
  readonly step: number;
  readonly [name: string]: number | null;
}

/** A line begins with this. Inside of a line it cannot be: a quote in a name is written as `\"`. */
const BEGIN = '{"step":';

/**
 * Null where there is none: a piece of one, or something else. A line may stand behind the beginning of another, whose
 * writer was killed in the middle of it.
 */
export function parseLine(text: string): StepLine | null {
  const value = parseJson(text) ?? parseJson(text.slice(Math.max(0, text.lastIndexOf(BEGIN))));
  return isStepLine(value) ? value : null;
}

function isStepLine(value: unknown): value is StepLine {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const { step } = value as Partial<StepLine>;
  const all = Object.values(value).every(one => one === null || Number.isFinite(one));
  return all && Number.isSafeInteger(step) && (step ?? -1) >= 0;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
