/** `ftc chaos kill worker`: breaks the job on purpose and shows how it mends itself. */
import { kill, type KillReport } from '../../chaos/kill.ts';
import { connect } from '../docker/connect.ts';
import { ExitCode, FtcError } from '../errors.ts';
import type { JobFlags } from '../job/sources.ts';
import { Interrupt } from './interrupt.ts';
import { jobName } from './job-name.ts';
import { paint } from './view/format.ts';
import { duration } from '../shared/duration.ts';
import { eventLine, isNews } from './view/job.ts';

export interface ChaosKillOptions extends JobFlags {
  readonly signal?: string;
  readonly count?: string;
  readonly all?: boolean;
  readonly rank?: string;
  readonly container?: string;
  /** Which random choice; `--seed` of this command, not the job's. */
  readonly seed?: string;
  readonly timeout?: string;
  readonly json?: boolean;
}

export async function run(options: ChaosKillOptions, target: string): Promise<number> {
  if (target !== 'worker') {
    throw new FtcError('FTC_USAGE', `there is no target "${target}"`, {
      hint: 'For example: ftc chaos kill worker --rank 1',
    });
  }
  const chosen = [options.all, options.rank, options.container, options.count].filter(x => x !== undefined);
  if (chosen.length > 1) {
    throw new FtcError('FTC_USAGE', '--all, --rank, --container and --count exclude each other', {
      hint: 'Name one of them; without any, one worker is chosen at random.',
    });
  }
  const seed = number('--seed', options.seed, 0) ?? Math.floor(Math.random() * 2 ** 31);
  const interrupt = new Interrupt();
  const say = (line: string): void => {
    if (!options.json) process.stderr.write(`${line}\n`);
  };
  const report = await kill(
    await connect(),
    jobName({ ...options, seed: undefined }),
    {
      seed,
      signal: signalName(options.signal ?? 'SIGKILL'),
      all: options.all,
      rank: number('--rank', options.rank, 0),
      count: number('--count', options.count, 1),
      container: options.container,
      watchMs: (number('--timeout', options.timeout, 1) ?? 120) * 1000,
    },
    {
      killed: r => {
        for (const v of r.killed) say(paint('bold', killedLine(v, r.signal)));
        if (options.rank === undefined && options.container === undefined && !options.all) {
          say(paint('dim', `the same choice again: --seed ${seed}`));
        }
      },
      events: events => {
        for (const e of events.filter(isNews)) say(eventLine(e));
      },
    },
    interrupt.signal,
  );
  if (options.json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  else for (const line of summary(report)) say(line);
  return interrupt.count > 0 ? ExitCode.interrupted : ExitCode.ok;
}

function killedLine(v: KillReport['killed'][number], signal: string): string {
  const what = v.rank === null ? 'no rank' : `rank ${v.rank}`;
  const where = v.atStep === null ? '' : ` after step ${v.atStep}`;
  return `${signal} to ${v.container} (${what})${where}`;
}

function summary(r: KillReport): string[] {
  const lines = [''];
  const { recovery } = r;
  if (recovery?.resumedStep != null && r.resumedMs !== null) {
    const lost =
      recovery.stepsLost === 0
        ? 'no committed step lost'
        : `${recovery.stepsLost} committed steps done again`;
    lines.push(
      `training went on at step ${recovery.resumedStep}  ${duration(r.resumedMs)} after the kill, ${lost}`,
    );
  }
  if (recovery && recovery.resumedStep === null && r.resumedMs !== null) {
    lines.push(`every script was running again  ${duration(r.resumedMs)} after the kill`);
  }
  for (const v of r.killed) {
    if (v.backMs !== null)
      lines.push(`${v.container} was running again  ${duration(v.backMs)} after the kill`);
  }
  if (r.wholeMs !== null)
    lines.push(`whole again, generation ${r.generationAfter}  ${duration(r.wholeMs)} after the kill`);
  else if (r.recovery === null && !r.killed.some(v => v.backMs !== null)) {
    lines.push('nothing was lost: the containers took the signal and went on');
  } else if (r.state === 'succeeded') {
    lines.push('the job ended, with success, before it was whole again');
  } else lines.push(`not whole again; the job is ${r.state ?? 'out of reach'}`);
  return lines;
}

function number(flag: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text) && Number(text) >= least) return Number(text);
  throw new FtcError('FTC_USAGE', `${flag} is "${text}" and must be a whole number from ${least}`);
}

function signalName(text: string): string {
  const upper = text.toUpperCase();
  const name = /^\d+$/.test(upper) || upper.startsWith('SIG') ? upper : `SIG${upper}`;
  if (/^(\d{1,2}|SIG[A-Z0-9+]{2,12})$/.test(name)) return name;
  throw new FtcError('FTC_USAGE', `"${text}" is no signal`, {
    hint: 'For example: --signal SIGKILL, --signal TERM',
  });
}
