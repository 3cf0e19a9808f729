/** Prints step metrics in one of three forms, all at once or as they come, with bounded memory however many there are. */
import type { StepLine } from '../../api/step-line.ts';
import { visibleJson } from '../../shared/visible.ts';
import { Columns, csvHead, csvRow, howMany, StepTable } from './metrics.ts';

export type Form = 'table' | 'csv' | 'json';
/** The lines of steps above `after`, some at a time. */
export type Read = (after: number) => AsyncIterable<readonly StepLine[]>;

export interface PrinterOptions {
  readonly form: Form;
  /** More will come: JSON is a line for each step then, not a list. */
  readonly following: boolean;
  /** Only so many, the last; null is what the form is for: a table of 20, all lines as CSV or JSON. */
  readonly last: number | null;
  readonly write: (text: string) => Promise<void>;
  /** For what cannot be said in the form. */
  readonly warn: (text: string) => void;
}

const TABLE = 20;

export class MetricsPrinter {
  readonly #o: PrinterOptions;
  readonly #table = new StepTable();
  readonly #columns = new Columns();
  #after = -1;
  #printed = 0;
  #warned = false;
  /** Of the CSV. */
  #names: readonly string[] = [];
  #begun = false;

  constructor(o: PrinterOptions) {
    this.#o = o;
  }

  /** Something is printed: what follows, also after {@link begin} has failed, is {@link more}. */
  get begun(): boolean {
    return this.#begun;
  }

  /** What is there now. */
  async begin(read: Read): Promise<void> {
    const { form, following, last } = this.#o;
    const keep = last ?? (form === 'table' ? TABLE : null);
    if (keep !== null) {
      const { lines, count } = await lastOf(read, keep);
      this.#columns.take(lines);
      await this.#open();
      await this.#print(lines);
      if (form === 'table' && !following) await this.#o.write(`${howMany(lines.length, count)}\n`);
    } else {
      // All names are known before the first line is printed: it is read twice.
      const end = form === 'csv' ? await this.#survey(read) : Infinity;
      await this.#open();
      for await (const lines of read(-1)) await this.#print(lines.filter(({ step }) => step <= end));
    }
    if (form === 'json' && !following) await this.#o.write(this.#printed === 0 ? ']\n' : '\n]\n');
  }

  /** What has come since. */
  async more(read: Read): Promise<void> {
    for await (const lines of read(this.#after)) {
      if (this.#o.form === 'csv' && this.#columns.take(lines)) this.#warnOfName();
      await this.#print(lines);
    }
  }

  async #survey(read: Read): Promise<number> {
    let end = -1;
    for await (const lines of read(-1)) {
      this.#columns.take(lines);
      end = lines.at(-1)?.step ?? end;
    }
    return end;
  }

  async #open(): Promise<void> {
    const { form, following, write } = this.#o;
    this.#begun = true;
    this.#names = this.#columns.names;
    if (form === 'csv') await write(csvHead(this.#names));
    if (form === 'json' && !following) await write('[');
  }

  async #print(lines: readonly StepLine[]): Promise<void> {
    if (lines.length === 0) return;
    this.#after = lines.at(-1)?.step ?? this.#after;
    await this.#o.write(this.#text(lines));
    this.#printed += lines.length;
  }

  #text(lines: readonly StepLine[]): string {
    const { form, following } = this.#o;
    if (form === 'table') return this.#table.rows(lines).map(ended).join('');
    if (form === 'csv') return lines.map(line => csvRow(line, this.#names)).join('');
    const texts = lines.map(line => visibleJson(line));
    return following ? texts.map(ended).join('') : `${this.#printed > 0 ? ',' : ''}\n${texts.join(',\n')}`;
  }

  #warnOfName(): void {
    if (this.#warned) return;
    this.#warned = true;
    const missing = this.#columns.names.filter(name => !this.#names.includes(name));
    this.#o.warn(`${missing.join(', ')} came after the head and has no column; start again to see it`);
  }
}

const ended = (text: string): string => `${text}\n`;

/** The last `keep` lines, and how many there are. */
async function lastOf(read: Read, keep: number): Promise<{ lines: readonly StepLine[]; count: number }> {
  let lines: StepLine[] = [];
  let count = 0;
  for await (const some of read(-1)) {
    count += some.length;
    lines.push(...some.slice(-keep));
    if (lines.length > 2 * keep) lines = lines.slice(-keep);
  }
  return { lines: lines.slice(-keep), count };
}
