/** The folder that reports are written to: for each run a page and its JSON, and one that leads to all where there are several. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Folder } from '../../src/disk/folder.ts';
import { FtcError } from '../../src/errors.ts';
import type { Outcome } from '../scenarios/experiment.ts';
import type { Transcript } from '../../src/runtime/job.ts';
import { indexPage } from './index-page.ts';
import { page } from './page.ts';
import { fileName, indexReport, runReport } from './report.ts';
import type { Ground, RunReport } from './schema.ts';
import { visibleJson, visibleLines } from '../../src/shared/visible.ts';

const INDEX = 'index';

export class ReportFolder {
  readonly #directory: string;
  /** A link to a folder is as good as the folder, for whoever names it; a link in it is replaced, not followed. */
  readonly #folder: Folder;
  readonly #ground: Ground;
  /** Of the whole. */
  readonly #command: string;
  readonly #several: boolean;
  readonly #runs: { readonly file: string; readonly report: RunReport }[] = [];

  /** @throws FtcError FTC_CANNOT_WRITE */
  constructor(directory: string, ground: Ground, command: string, several: boolean) {
    this.#directory = directory;
    this.#folder = new Folder(directory, { follow: true });
    this.#ground = ground;
    this.#command = command;
    this.#several = several;
    this.#writing(() => mkdirSync(directory, { recursive: true }));
  }

  /** The report's JSON, whether or not it is written. @param command what makes the run once more */
  add(outcome: Outcome, command: string): RunReport {
    const writtenAt = new Date().toISOString();
    const text = outcome.scenario.file === null ? null : readIfThere(outcome.scenario.file);
    const report = runReport(outcome, { ground: this.#ground, command, text, writtenAt });
    const file = fileName(this.#runs.length, outcome.scenario.name, outcome.seed);
    this.#runs.push({ file, report });
    this.#write(`${file}.html`, page(report, this.#several ? `${INDEX}.html` : null));
    this.#write(`${file}.json`, `${visibleJson(report)}\n`);
    if (this.#several) this.#index(writtenAt);
    return report;
  }

  /** Of the run that is added next. @returns their folder */
  logs({ scenario, seed }: Outcome, logs: readonly Transcript[]): string {
    const folder = new Folder(
      join(this.#directory, `${fileName(this.#runs.length, scenario.name, seed)}-logs`),
    );
    this.#writing(() => {
      folder.make();
      for (const { name, text } of logs)
        folder.write(`${name.replaceAll(/[^\w.-]/g, '_')}.log`, visibleLines(text).join('\n'));
    });
    return folder.path;
  }

  /** Where to begin to read. */
  get first(): string {
    const file = this.#several ? INDEX : (this.#runs[0]?.file ?? INDEX);
    return join(this.#directory, `${file}.html`);
  }

  /** Beside the reports. */
  file(name: string, text: string): string {
    this.#write(name, text);
    return join(this.#directory, name);
  }

  /** After each run: what there is can be looked at meanwhile, and an interruption leaves it whole. */
  #index(writtenAt: string): void {
    const index = indexReport(this.#runs, { ground: this.#ground, command: this.#command, writtenAt });
    this.#write(`${INDEX}.html`, indexPage(index));
    this.#write(`${INDEX}.json`, `${visibleJson(index)}\n`);
  }

  #write(name: string, text: string): void {
    this.#writing(() => this.#folder.write(name, text));
  }

  #writing(write: () => void): void {
    try {
      write();
    } catch (cause) {
      const why = (cause as Error).message;
      throw new FtcError('FTC_CANNOT_WRITE', `cannot write the report to ${this.#directory}: ${why}`, {
        cause,
      });
    }
  }
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
