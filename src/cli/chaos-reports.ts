/** Where `ftc chaos run` and `soak` write what they saw. */
import { resolve } from 'node:path';
import { ReportFolder } from '../../chaos/report/folder.ts';
import { groundOf } from '../../chaos/report/ground.ts';
import { runReport } from '../../chaos/report/report.ts';
import type { Ground, RunReport } from '../../chaos/report/schema.ts';
import type { Outcome } from '../../chaos/scenarios/experiment.ts';
import type { RunningJob } from '../runtime/job.ts';
import type { Lab } from './chaos-lab.ts';
import { stderr } from './print.ts';

export interface Place {
  /** Null writes nothing. */
  readonly directory: string | null;
  /** Nothing is written before there is something that is broken. */
  readonly lazily: boolean;
  readonly several: boolean;
}

export class Reports {
  readonly #lab: Lab;
  readonly #ground: Ground;
  readonly #place: Place;
  #folder: ReportFolder | null = null;

  private constructor(lab: Lab, ground: Ground, place: Place) {
    this.#lab = lab;
    this.#ground = ground;
    this.#place = place;
    if (!place.lazily) this.#open();
  }

  /** @throws FtcError FTC_CANNOT_WRITE, before anything is started */
  static async create(lab: Lab, place: Place): Promise<Reports> {
    return new Reports(lab, await groundOf(lab.runtime), place);
  }

  /** @param command what makes the run once more */
  add(outcome: Outcome, command: string): RunReport {
    if (this.#folder) return this.#folder.add(outcome, command);
    const writtenAt = new Date().toISOString();
    return runReport(outcome, { ground: this.#ground, command, text: null, writtenAt });
  }

  /** Of a broken run: what its containers said, before they are removed. */
  async keepLogs(job: RunningJob, outcome: Outcome): Promise<void> {
    const folder = this.#open();
    if (!folder) return;
    const logs = await job.transcripts();
    stderr.lines(`logs: ${folder.logs(outcome, logs)}`);
  }

  /** Beside the reports. @returns its path; null where nothing is written */
  file(name: string, text: string): string | null {
    return this.#open()?.file(name, text) ?? null;
  }

  /** Where to look. */
  tell(): void {
    const first = this.#folder?.first ?? null;
    if (first !== null) stderr.lines(`report: ${first}`);
  }

  #open(): ReportFolder | null {
    const { directory, several } = this.#place;
    if (directory === null) return null;
    return (this.#folder ??= new ReportFolder(resolve(directory), this.#ground, this.#lab.command, several));
  }
}
