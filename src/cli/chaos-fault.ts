/** `ftc chaos FAULT TARGET`: breaks the job on purpose and shows how it mends itself. */
import { drive } from '../../chaos/drive.ts';
import type { Fault } from '../../chaos/faults/fault.ts';
import { faultNamed } from '../../chaos/faults/index.ts';
import { choose, everybody, type Wish } from '../../chaos/select.ts';
import { Session } from '../../chaos/session.ts';
import type { Strike } from '../../chaos/strike.ts';
import { watchWriting } from '../../chaos/writing.ts';
import { createWorld, journalFolders } from '../../chaos/world.ts';
import { findJob, type FoundJob, masterOf } from '../client/find-job.ts';
import type { Replica } from '../runtime/replica.ts';
import { openRuntime } from '../runtime/pick.ts';
import { ExitCode, FtcError } from '../errors.ts';
import { hasEnded } from '../protocol/job-state.ts';
import type { Status } from '../api/status.ts';
import { type Asked, type ChaosOptions, readOptions } from './chaos-options.ts';
import { Interrupt } from './interrupt.ts';
import { jobName } from './job-name.ts';
import { healedLines } from './view/healed.ts';
import { hitLines, strikeTable, summary } from './view/chaos.ts';
import { paint } from './view/format.ts';
import { eventLine, isNews } from './view/job.ts';
import { stderr, stdout } from './print.ts';

export async function run(options: ChaosOptions, target: string | undefined, name: string): Promise<number> {
  const fault = faultNamed(name);
  const asked = readOptions(fault, target, options);
  refuseImpossible(fault, options);
  const interrupt = new Interrupt('interrupt');
  const say = (line: string): void => {
    if (!options.json) stderr.lines(line);
  };
  const runtime = await openRuntime();
  const project = jobName({ ...options, seed: undefined });
  // Its master may be down.
  const job = await findJob(runtime, project);
  const status = await statusFor(job, asked);
  if (options.dryRun) return showTargets(fault, asked, job, status, options.json === true);
  const strikes = await breakIt({ fault, asked, job, status, interrupt, say });
  report(project, strikes, asked, options.json === true, say);
  const leftOpen = strikes.some(s => s.leftOpen);
  if (leftOpen) say('"ftc chaos heal" tries again to undo what could not be undone');
  if (interrupt.count > 0) return ExitCode.interrupted;
  return leftOpen ? ExitCode.state : ExitCode.ok;
}

interface Command {
  readonly fault: Fault;
  readonly asked: Asked;
  readonly job: FoundJob;
  readonly status: Status | null;
  readonly interrupt: Interrupt;
  readonly say: (line: string) => void;
}

async function breakIt(c: Command): Promise<Strike[]> {
  const { fault, asked, interrupt, say } = c;
  const { job, replicas } = c.job;
  const world = createWorld(job, say);
  const seen = c.status === null ? [] : await (await masterOf(job, replicas)).events(0);
  const session = await Session.open({
    world,
    project: job.name,
    folders: journalFolders(replicas, say),
    command: ['ftc', ...process.argv.slice(2)].join(' '),
    onHealed: healed => healedLines(healed).forEach(say),
  });
  const { when } = asked;
  const isRandom = choosesAtRandom(asked.wish);
  let told = false;
  const done = new AbortController();
  const needsVolume = when !== null && 'phase' in when && when.phase === 'checkpoint';
  if (fault.helped) await world.faults.prepare();
  if (when !== null) say(`waiting for ${'step' in when ? `step ${when.step}` : `phase ${when.phase}`}`);
  const findMaster = async (): Promise<Replica | null> =>
    (await job.replicas()).find(c => c.role === 'master' && c.state === 'running') ?? null;
  const writing = needsVolume ? watchWriting(world.faults, findMaster, done.signal) : null;
  try {
    return await drive({
      ...asked,
      job,
      session,
      fault,
      after: seen.at(-1)?.seq ?? 0,
      signal: interrupt.signal,
      writing: () => writing?.now() ?? false,
      watcher: {
        hit(strike) {
          hitLines(strike).forEach(say);
          if (told || !isRandom) return;
          told = true;
          say(paint('dim', `the same choice again: --seed ${asked.wish.seed}`));
        },
        undone: strike => say(paint('bold', `${strike.fault} is undone`)),
        events: events => events.filter(isNews).forEach(e => say(eventLine(e))),
      },
    });
  } finally {
    done.abort();
    await writing?.ended;
    await session.close();
  }
}

/** A dead master is no reason not to break something else. */
async function statusFor({ job, replicas }: FoundJob, { wish, when }: Asked): Promise<Status | null> {
  try {
    const status = await (await masterOf(job, replicas)).status();
    refuseEnded(status, when);
    return status;
  } catch (error) {
    const blind = ['master', 'supervisor', 'engine', 'all'].includes(wish.target);
    if (blind && error instanceof FtcError && error.code === 'FTC_MASTER_UNREACHABLE') return null;
    throw error;
  }
}

function refuseEnded(status: Status, when: Asked['when']): void {
  if (hasEnded(status.state))
    throw new FtcError(
      'FTC_NOT_RUNNING',
      `the job "${status.job}" has ${status.state}: there is nothing to break`,
      { hint: 'Start it again with "ftc up".' },
    );
  if (when === null || !('step' in when)) return;
  const { step, totalSteps } = status;
  if (step !== null && step >= when.step)
    throw new FtcError('FTC_USAGE', `step ${when.step} is past: the job is at step ${step}`);
  if (totalSteps !== null && when.step > totalSteps)
    throw new FtcError('FTC_USAGE', `the job ends at step ${totalSteps}, before step ${when.step}`);
}

function refuseImpossible({ name, impossible, consent }: Fault, options: ChaosOptions): void {
  if (impossible !== undefined)
    throw new FtcError('FTC_CANNOT', `${name} cannot be done: ${impossible}`, {
      hint: '"ftc chaos list" shows what can.',
    });
  if (consent === undefined || options[consent.key] === true || options.dryRun) return;
  throw new FtcError('FTC_USAGE', `${name} needs ${consent.flag}: ${consent.help}`);
}

function choosesAtRandom({ target, ranks, container, all }: Wish): boolean {
  return ['worker', 'standby'].includes(target) && ranks === undefined && container === undefined && !all;
}

function showTargets(
  fault: Fault,
  asked: Asked,
  { job, replicas }: FoundJob,
  status: Status | null,
  json: boolean,
): number {
  const hits = choose(asked.wish, everybody(replicas, job.name, status), status);
  const rows = hits.map(({ container: c, role, rank }) => ({
    container: c.name,
    id: c.hostname,
    role,
    rank,
  }));
  const { params, forMs } = asked;
  if (json)
    stdout.json(
      { project: job.name, fault: fault.name, params, forMs, seed: asked.wish.seed, hits: rows },
      2,
    );
  else
    for (const r of rows) {
      const place = r.role === 'worker' ? (r.rank === null ? 'no rank' : `rank ${r.rank}`) : r.role;
      stdout.lines(`would ${fault.name} ${r.container} (${place})`);
    }
  return ExitCode.ok;
}

function report(
  project: string,
  strikes: readonly Strike[],
  { repeats }: Asked,
  json: boolean,
  say: (line: string) => void,
): void {
  const [only] = strikes;
  if (json) {
    const alone =
      only?.fault === 'kill' ? { signal: only.params['signal'] ?? 'SIGKILL', killed: only.hits } : {};
    const value = repeats ? { project, strikes } : { project, ...only, ...alone };
    stdout.json(value, 2);
  } else if (repeats) {
    for (const line of ['', ...strikes.flatMap(s => s.notes), ...strikeTable(strikes)]) say(line);
  } else if (only) for (const line of summary(only)) say(line);
}
