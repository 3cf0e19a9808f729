/** Shows a job until it ends (or its first step has committed), and what Ctrl+C means meanwhile. */
import { hasEnded } from '../protocol/job-state.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { follow } from '../client/follow.ts';
import { masterOf } from '../client/find-job.ts';
import { PartKeeper } from '../client/keep-parts.ts';
import type { Restoring, RunningJob } from '../runtime/job.ts';
import { ExitCode } from '../errors.ts';
import type { Status } from '../api/status.ts';
import type { HookCommands } from './hook-commands.ts';
import type { Interrupt } from './interrupt.ts';
import { jobFailed } from './job-failed.ts';
import { outcome } from './view/job.ts';
import { createView, type View } from './view/live.ts';
import { s3Rest } from './view/s3.ts';
import { stderr, stdout } from './print.ts';
import { tracebackLines } from './view/traceback.ts';

export interface WatchJobOptions {
  readonly job: RunningJob;
  readonly restoring: Restoring;
  readonly interrupt: Interrupt;
  readonly until: 'first-step' | 'end';
  readonly json: boolean;
  /** What Ctrl+C does: `ftc up` stops the job, `ftc watch` only looks away. */
  readonly onInterrupt: 'stop-job' | 'leave';
  /** Commands of the host that hear of the job meanwhile; null where none do. */
  readonly commands: HookCommands | null;
}

const EVERY_MS = 250;
/** The parts of a watched job are looked after about this often. */
const KEEP_EVERY_MS = 2000;
/** The supervisor kills what lingers before that. */
const LEAVE_MS = 20_000;
/** A wait for commands that is longer is told. */
const COMMANDS_MS = 2000;
/** An engine that is restarted is back sooner. */
const PATIENCE_MS = 120_000;

/** Returns the exit code: the job's, or 130 after an interrupt. @throws FtcError FTC_JOB_FAILED, FTC_VOLUME */
export async function watchJob(o: WatchJobOptions): Promise<number> {
  const view = createView();
  const done = new AbortController();
  const { interrupt, commands } = o;
  commands?.printTo(line => view.say(line));
  const asked = { toStop: false };
  interrupt.handle(
    () => {
      if (o.onInterrupt === 'leave') return done.abort();
      asked.toStop = true;
      commands?.stop();
      view.say(
        'stopping: the step is finished and a checkpoint written (torchrun: SIGTERM). Ctrl+C again stops at once.',
      );
      void askToStop(o, done);
    },
    async () => {
      view.say('stopping at once');
      await o.job.kill();
    },
  );
  const last = await show(o, view, done, () => asked.toStop);
  if (o.until === 'end') await workersGone(o, done.signal);
  view.end();
  if (o.onInterrupt === 'leave' && done.signal.aborted) return ExitCode.interrupted;
  await commandsEnd(o, asked.toStop);
  return asked.toStop ? stopped(o, last) : finish(o, last);
}

async function show(
  o: WatchJobOptions,
  view: View,
  done: AbortController,
  stopping: () => boolean,
): Promise<Status | null> {
  const { job } = o;
  let last: Status | null = null;
  let keptAt = performance.now();
  const keeper = new PartKeeper(job, o.restoring);
  const following = follow(job, {
    everyMs: EVERY_MS,
    patienceMs: PATIENCE_MS,
    signal: done.signal,
  });
  try {
    for await (const moment of following) {
      view.show(moment);
      o.commands?.look(moment);
      last = moment.status ?? last;
      if (moment.status && isOver(moment.status, o.until, stopping())) break;
      if (stopping() || performance.now() - keptAt < KEEP_EVERY_MS) continue;
      keptAt = performance.now();
      // What the engine does not do now, it may do at the next look.
      const mended = await keeper.look(last).catch(() => null);
      if (mended !== null) view.say(mended);
      if (keeper.stopped !== null) throw keeper.stopped;
    }
  } finally {
    keeper.close();
  }
  return last;
}

/** The job has ended; its workers leave within moments, and the supervisor sees to it that they do. */
async function workersGone({ job }: WatchJobOptions, signal: AbortSignal): Promise<void> {
  const end = performance.now() + LEAVE_MS;
  while (!signal.aborted && performance.now() < end) {
    const containers = await job.replicas();
    if (!containers.some(c => c.role === 'worker' && c.state === 'running')) return;
    await sleep(EVERY_MS);
  }
}

/** Commands may take a while; who does not want to wait for them presses Ctrl+C. What becomes of them changes nothing for the job. */
async function commandsEnd({ commands, interrupt }: WatchJobOptions, stopping: boolean): Promise<void> {
  if (commands === null) return;
  commands.printTo(line => stderr.lines(line));
  if (stopping) return commands.end();
  const end = (): Promise<void> => commands.end();
  interrupt.handle(() => void end(), end);
  const patience = setTimeout(
    () => stderr.lines('waiting for the commands of hooks; Ctrl+C ends them'),
    COMMANDS_MS,
  );
  await commands.idle();
  clearTimeout(patience);
}

function isOver(s: Status, until: WatchJobOptions['until'], stopping: boolean): boolean {
  if (hasEnded(s.state)) return true;
  if (until === 'end' || stopping) return false;
  if (s.launcher === 'torchrun') {
    return s.state === 'running' && s.workers.every(w => w.rank === null || w.phase !== 'idle');
  }
  // Two different steps were seen: one of them was committed by this run.
  return s.state === 'finishing' || s.samplesPerSecond !== null;
}

/** Tells the master; when that fails, stopping the containers lets the workers finish their step as well. */
async function askToStop({ job }: WatchJobOptions, done: AbortController): Promise<void> {
  try {
    const replicas = await job.replicas();
    const master = await masterOf(job, replicas);
    await master.stop(await job.token(replicas));
  } catch {
    await job.stop().catch(() => undefined);
    done.abort();
  }
}

async function stopped({ job }: WatchJobOptions, last: Status | null): Promise<number> {
  await job.stop();
  const at = last?.step == null ? '' : ` after step ${last.step}`;
  stderr.lines(`stopped${at}; "ftc up" resumes from there, "ftc down" removes the containers`);
  // Where S3 works, the master has finished what was on its way.
  const rest = last?.s3?.lastError == null ? null : s3Rest(last.s3, '"ftc up" copies them');
  if (rest !== null) stderr.lines(rest);
  return ExitCode.interrupted;
}

function trains(s: Status): string {
  return s.launcher === 'torchrun'
    ? `runs on ${s.worldSize} workers`
    : `trains at step ${s.step ?? 0} of ${s.totalSteps ?? '?'}`;
}

function finish({ json, until }: WatchJobOptions, last: Status | null): number {
  if (!last) return ExitCode.interrupted;
  if (json) stdout.json(last);
  if (last.state === 'failed') {
    if (last.traceback) stderr.lines('', ...tracebackLines(last.traceback), '');
    throw jobFailed(
      last,
      'Its containers and checkpoints are kept: "ftc logs worker" shows what they printed; mend it and "ftc up" again.',
    );
  }
  const running = until === 'first-step' && last.state === 'running';
  const lines = running
    ? [`${last.job} ${trains(last)}; "ftc watch" shows it, "ftc wait" waits for its end`]
    : outcome(last);
  stderr.lines(...lines);
  return last.state === 'stopped' ? ExitCode.interrupted : ExitCode.ok;
}
