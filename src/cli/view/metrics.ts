/** Step metrics as tables and CSV, to stdout, and the line about them in `ftc status`. Pure. */
import type { StepLine } from '../../api/step-line.ts';
import { visible } from '../../shared/visible.ts';
import { short } from './format.ts';

/** What every line has, in this order. */
const ALWAYS = ['step', 'epoch', 'samples', 'loss'] as const;

/** The columns that lines ask for: each name once, as it comes. */
export class Columns {
  readonly #names = new Set<string>(ALWAYS);

  get names(): readonly string[] {
    return [...this.#names];
  }

  /** Whether there is a name among them that was not there. */
  take(lines: readonly StepLine[]): boolean {
    const before = this.#names.size;
    for (const line of lines) for (const name of Object.keys(line)) this.#names.add(name);
    return this.#names.size > before;
  }
}

/** A table that goes on: columns only grow wider, and a new name brings the head again. */
export class StepTable {
  readonly #columns = new Columns();
  readonly #widths: number[] = [];
  #begun = false;

  /** Lines for people. */
  rows(lines: readonly StepLine[]): string[] {
    if (lines.length === 0) return [];
    const isNew = this.#columns.take(lines);
    const { names } = this.#columns;
    const head = names.map((name, i) => (i < ALWAYS.length ? name.toUpperCase() : visible(name)));
    const cells = lines.map(line => names.map(name => cell(line, name)));
    for (const row of [head, ...cells])
      row.forEach((text, i) => (this.#widths[i] = Math.max(this.#widths[i] ?? 0, text.length)));
    const withHead = isNew || !this.#begun ? [head, ...cells] : cells;
    this.#begun = true;
    return withHead.map(row => row.map((text, i) => text.padStart(this.#widths[i] ?? 0)).join('  '));
  }
}

function cell(line: StepLine, name: string): string {
  const value = valueOf(line, name);
  return value === undefined ? '-' : value === null ? 'null' : short(value);
}

/** A name may be one that JavaScript has a meaning for. */
const valueOf = (line: StepLine, name: string): number | null | undefined =>
  Object.hasOwn(line, name) ? line[name] : undefined;

/** RFC 4180, with a newline for its line ends. What is null or not there is empty. */
export function csvRow(line: StepLine, names: readonly string[]): string {
  return `${names.map(name => valueOf(line, name) ?? '').join(',')}\n`;
}

export function csvHead(names: readonly string[]): string {
  const quoted = (name: string): string => (/[",\r\n]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name);
  return `${names.map(name => quoted(visible(name))).join(',')}\n`;
}

/** Below a table of `shown` of `count` steps. */
export function howMany(shown: number, count: number): string {
  if (count === 0) return 'no step metrics: job.log(name=value) inside the loop writes them';
  const steps = count === 1 ? '1 step has' : `${count} steps have`;
  return shown < count
    ? `${steps} metrics; these are the last ${shown}. --last <n> shows more, --csv all`
    : `${steps} metrics`;
}

/** `metrics of step 480: val_loss 0.3125, accuracy 0.91`; null where there are none. */
export function lastMetricsLine(line: Readonly<Record<string, number | null>> | null): string | null {
  if (line === null) return null;
  const own = Object.entries(line).filter(([name]) => !(ALWAYS as readonly string[]).includes(name));
  if (own.length === 0) return null;
  const said = own.map(([name, value]) => `${visible(name)} ${value === null ? 'null' : short(value)}`);
  return `metrics of step ${line['step']}: ${said.join(', ')}`;
}
