import { describe, expect, it } from 'vitest';
import { type Form, MetricsPrinter, type PrinterOptions } from '../../../src/cli/view/metrics-printer.ts';
import { lastMetricsLine } from '../../../src/cli/view/metrics.ts';
import type { StepLine } from '../../../src/api/step-line.ts';

const line = (step: number, more: Readonly<Record<string, number | null>> = {}): StepLine => ({
  step,
  epoch: 0,
  samples: step * 24,
  loss: 1 / step,
  ...more,
});
const upTo = (count: number): StepLine[] => Array.from({ length: count }, (_, i) => line(i + 1));

class Job {
  readonly lines: StepLine[];
  printed = '';
  readonly warned: string[] = [];
  readonly printer: MetricsPrinter;
  /** Lines after which reading fails, once. */
  breaksAfter = Infinity;

  constructor(form: Form, lines: StepLine[], more: Partial<PrinterOptions> = {}) {
    this.lines = lines;
    this.printer = new MetricsPrinter({
      form,
      following: false,
      last: null,
      write: text => {
        this.printed += text;
        return Promise.resolve();
      },
      warn: text => this.warned.push(text),
      ...more,
    });
  }

  readonly read = async function* (this: Job, after: number): AsyncGenerator<StepLine[]> {
    await Promise.resolve();
    let count = 0;
    for (const one of this.lines.filter(({ step }) => step > after)) {
      if (count >= this.breaksAfter) {
        this.breaksAfter = Infinity;
        throw new Error('broken');
      }
      count += 1;
      yield [one];
    }
  }.bind(this);

  async begin(): Promise<string> {
    await this.printer.begin(this.read);
    return this.take();
  }

  async more(): Promise<string> {
    await this.printer.more(this.read);
    return this.take();
  }

  take(): string {
    const text = this.printed;
    this.printed = '';
    return text;
  }
}

describe('step metrics', () => {
  it('are a table of the last 20, and how many there are', async () => {
    const text = await new Job('table', upTo(1234)).begin();
    const lines = text.split('\n');
    expect(lines[0]).toBe('STEP  EPOCH  SAMPLES       LOSS');
    expect(lines[1]).toBe('1215      0    29160   0.000823');
    expect(lines[20]).toBe('1234      0    29616  0.0008104');
    expect(lines.slice(21)).toEqual([
      '1234 steps have metrics; these are the last 20. --last <n> shows more, --csv all',
      '',
    ]);
  });

  it('are as many as were asked for, with a column for each name', async () => {
    const lines = [
      line(7, { acc: 0.5 }),
      line(8, { 'a\u001b[31m': null }),
      line(9, { acc: 123456, constructor: 1e-9 }),
    ];
    expect(await new Job('table', lines, { last: 2 }).begin()).toBe(
      [
        'STEP  EPOCH  SAMPLES    LOSS  a\\x1b[31m     acc  constructor',
        '   8      0      192   0.125       null       -            -',
        '   9      0      216  0.1111          -  123456         1e-9',
        '3 steps have metrics; these are the last 2. --last <n> shows more, --csv all',
        '',
      ].join('\n'),
    );
    expect(await new Job('table', lines).begin()).toMatch(/\n3 steps have metrics\n$/);
    expect(await new Job('table', lines.slice(0, 1)).begin()).toMatch(/\n1 step has metrics\n$/);
  });

  it('are none without job.log', async () => {
    const none = 'no step metrics: job.log(name=value) inside the loop writes them\n';
    expect(await new Job('table', []).begin()).toBe(none);
    expect(await new Job('csv', []).begin()).toBe('step,epoch,samples,loss\n');
    expect(await new Job('json', []).begin()).toBe('[]\n');
    expect(await new Job('json', [], { following: true }).begin()).toBe('');
  });

  it('are CSV of all lines, with the names of all lines', async () => {
    const lines = [line(1, { acc: 0.5 }), line(2, { 'a,"b"': null }), line(4, { lr: 1e-7 })];
    expect(await new Job('csv', lines).begin()).toBe(
      'step,epoch,samples,loss,acc,"a,""b""",lr\n1,0,24,1,0.5,,\n2,0,48,0.5,,,\n4,0,96,0.25,,,1e-7\n',
    );
    expect(await new Job('csv', lines, { last: 1 }).begin()).toBe(
      'step,epoch,samples,loss,lr\n4,0,96,0.25,1e-7\n',
    );
  });

  it('are JSON: one list', async () => {
    expect(JSON.parse(await new Job('json', upTo(3)).begin())).toEqual(upTo(3));
    expect(JSON.parse(await new Job('json', upTo(30), { last: 2 }).begin())).toEqual(upTo(30).slice(28));
  });
});

describe('steps that come later', () => {
  it('go on in the table, which says its head again for a new name', async () => {
    const job = new Job('table', upTo(30), { following: true, last: 1 });
    expect(await job.begin()).toBe('STEP  EPOCH  SAMPLES     LOSS\n  30      0      720  0.03333\n');
    expect(await job.more()).toBe('');
    job.lines.push(line(31), line(32, { acc: 1 }), line(33));
    expect(await job.more()).toBe(
      [
        '  31      0      744  0.03226',
        'STEP  EPOCH  SAMPLES     LOSS  acc',
        '  32      0      768  0.03125    1',
        '  33      0      792   0.0303    -',
        '',
      ].join('\n'),
    );
  });

  it('go on as CSV and as lines of JSON', async () => {
    const csv = new Job('csv', upTo(1), { following: true });
    const json = new Job('json', upTo(1), { following: true });
    await csv.begin();
    expect(await json.begin()).toBe(`${JSON.stringify(line(1))}\n`);
    for (const job of [csv, json]) job.lines.push(line(2, { acc: 1 }), line(4, { acc: 2 }));
    expect(await csv.more()).toBe('2,0,48,0.5\n4,0,96,0.25\n');
    expect(csv.warned).toEqual(['acc came after the head and has no column; start again to see it']);
    expect(await json.more()).toBe(
      [line(2, { acc: 1 }), line(4, { acc: 2 })].map(l => `${JSON.stringify(l)}\n`).join(''),
    );
  });

  it('come once each, also where the reading broke in the middle', async () => {
    for (const form of ['csv', 'json', 'table'] as const) {
      for (let breaksAfter = 0; breaksAfter < 12; breaksAfter += 1) {
        const job = new Job(form, upTo(5), { following: true });
        job.breaksAfter = breaksAfter;
        for (let tries = 0; tries < 3; tries += 1) {
          await (job.printer.begun ? job.printer.more(job.read) : job.printer.begin(job.read)).catch(
            () => undefined,
          );
        }
        const rows = job.take().split('\n').slice(0, -1);
        expect(rows).toHaveLength(form === 'json' ? 5 : 6);
      }
    }
  });
});

it('the status has a line of the newest', () => {
  expect(lastMetricsLine(null)).toBeNull();
  expect(lastMetricsLine(line(1))).toBeNull();
  expect(lastMetricsLine(line(480, { val_loss: 0.31251, 'a\nb': null }))).toBe(
    'metrics of step 480: val_loss 0.3125, a\\nb null',
  );
});
