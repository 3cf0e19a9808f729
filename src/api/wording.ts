/** The sentences of a job's events. They are made from facts, last and only here, for people: no code reads them. */
import { bytes } from '../shared/bytes.ts';
import { duration } from '../shared/duration.ts';
import type { Fact, FactOf, Regrouping } from './fact.ts';
import { lossText } from './loss-cause.ts';

/** One line for a fact. */
type Wording = (fact: Fact) => string;

type Texts = { readonly [What in Fact['what']]: (fact: FactOf<What>) => string };

const texts: Texts = {
  'generation-formed': f =>
    f.size === 0
      ? 'no worker is left'
      : `${f.size === 1 ? '1 worker' : `${f.size} workers`}, ${why(f.because)}`,
  'worker-joined': f => `${f.name} ${f.promoted ? 'is promoted from standby to' : 'joins as'} rank ${f.rank}`,
  'worker-waiting': f => `${f.name} waits as a standby`,
  'worker-leaving': f => `${f.name} leaves${after(f.step)}`,
  'rank-lost': f =>
    `lost rank ${f.rank ?? '?'} (${f.name})${after(f.step)}: ${[...new Set(f.causes.map(lossText))].join(', ')}`,
  resumed: f =>
    f.step === null
      ? `every script runs again, ${duration(f.afterMs)} after the loss`
      : `resumed at step ${f.step}, ${duration(f.afterMs)} after the loss, ${f.stepsLost === 0 ? 'no step lost' : `${f.stepsLost} steps to repeat`}`,
  'fully-recovered': f => `fully recovered: ${f.ranks} ranks, ${duration(f.afterMs)} after the loss`,
  'collective-broken': f => `${f.name}: the connection between workers failed; the step is repeated`,
  'script-failed': f => `${f.name}: ${f.message}`,
  'training-ended-early': f => `the script ended training early, at step ${f.step}: ${f.reason}`,
  'workers-wanted': f => `${f.wanted} workers wanted`,
  'state-changed': f => (f.reason === null || f.state === 'failed' ? f.state : `${f.state}: ${f.reason}`),

  'stall-broken': f =>
    `${f.why === 'nothing-moves' ? 'no worker makes progress, and a new rendezvous did not help' : 'the connection between workers fails again and again'}: replacing ${f.replaced.join(', ')}`,
  'worker-silent': f => `${f.name}: its container runs but does not answer`,
  'stack-read': f => `${f.name}: its main thread was ${f.at}`,
  'last-words': f => `${f.name}: the last line of its log is: ${f.line}`,
  'straggler-found': f =>
    `rank ${f.rank} (${f.name}) is ${f.factor} times slower: ${duration(f.sliceMs)} a slice, the others ${duration(f.othersMs)}`,
  'straggler-caught-up': f => `rank ${f.rank} (${f.name}) keeps up again`,
  'replicas-differ': f =>
    `the replicas differ in ${f.tensor}${f.position.length === 0 ? '' : ` at [${f.position.join(', ')}]`} since ${since(f)}: ${whoDiffers(f)}; ${outcome(f)}`,
  'container-given-up': f => `${f.container} is given up: ${f.reason}`,
  'container-died': f =>
    `${f.container} died: ${f.oomKilled ? 'out of memory' : `exit code ${f.exitCode ?? 'unknown'}`}`,
  'container-restarted': f => `${f.container} was restarted`,
  'hook-undelivered': f =>
    `${f.hook} was not delivered to ${f.host}: after ${f.tries === 1 ? 'one try' : `${f.tries} tries`} it ${f.outcome}`,
  'hook-unknown': f =>
    `no URL is known for ${f.hooks.join(', ')}: ${f.reason}. "ftc up" hands URLs over; for "docker compose up", FTC_HOOKS_FILE names the file (docs/hooks.md)`,
  'worker-note': f => f.text,

  'checkpoint-published': f =>
    [
      `checkpoint of step ${f.step} is durable: ${bytes(f.bytes)}`,
      `stall ${short(f.stallMs)}`,
      `written in ${short(f.writeMs)}`,
      ...(f.lateMs > 0 ? [`started ${short(f.lateMs)} late: the disk is slow`] : []),
    ].join(', ') + (f.failures > 0 ? ` (${f.failures} before it failed)` : ''),
  'checkpoint-failed': f =>
    `checkpoint of step ${f.step} failed, training continues: ${f.reason ?? 'the worker does not say why'}`,
  'checkpoint-loaded': f => `resuming from the checkpoint of step ${f.step}`,
  'checkpoint-quarantined': f => f.text,
  'checkpoint-damaged': f =>
    `checkpoint of step ${f.step} is damaged: ${f.problem}; ${left(f.left)}${f.copied ? '; S3 holds a copy of it' : ''}`,
  'disk-full': f => {
    const steps = f.removed.join(', ');
    const gone =
      f.removed.length === 1 ? `the checkpoint of step ${steps} is` : `the checkpoints of steps ${steps} are`;
    if (f.byRetention) return `the disk is full: ${gone} removed by the retention rules`;
    const rest = f.left === null ? '' : `; the newest that is left is of step ${f.left}`;
    return `the disk is full: ${gone} removed to make room${rest}`;
  },
  'disk-stays-full': f => `the disk is full, and no checkpoint may be removed${kept(f.kept)}`,

  's3-failing': f =>
    f.doing === 'restoring'
      ? `nothing can be restored from S3 yet: ${f.reason}; workers wait for it`
      : `${copying[f.kind]}: ${f.reason}; training continues`,
  's3-answers': f =>
    `S3 answers again${f.toCopy === 0 ? '' : `; ${f.toCopy} checkpoint${f.toCopy === 1 ? '' : 's'} to copy`}`,
  's3-newer': f =>
    `S3 holds step ${f.step}, newer than this run's step ${f.here}: "ftc down --volumes" and "ftc up" resume from there. ftc overwrites and removes nothing of it; this run is copied once it is further`,
  's3-holds-another': f => `S3 holds another checkpoint of step ${f.step}; ftc does not overwrite it`,
  's3-copy-damaged': f =>
    `the checkpoint of step ${f.step} in S3 is damaged: ${f.reason}${f.copiedAgain ? '; it is copied again' : ''}`,
  's3-not-copied': f => `the checkpoint of step ${f.step} is damaged and is not copied to S3: ${f.reason}`,
  's3-removal-refused': () => 'S3 does not allow ftc to remove old copies: all of them stay',
  's3-restored': f => `step ${f.step} is restored from S3: ${bytes(f.bytes)} in ${duration(f.tookMs)}`,
  's3-not-restored': f =>
    `nothing could be restored from S3${f.triedMs === null ? '' : ` for ${duration(f.triedMs)}`} (${f.reason}): training starts at step 0; ftc leaves what S3 holds as it is`,
};

/** What an event says. The number of its generation stands before one that tells of a generation. */
export function wording(fact: Fact, generation: number): string {
  const text = (texts[fact.what] as Wording)(fact);
  return fact.what === 'generation-formed' ? `generation ${generation}: ${text}` : text;
}

const after = (step: number | null): string => (step === null ? '' : ` after step ${step}`);

const short = (ms: number): string => (ms < 9.95 ? `${ms.toFixed(1)} ms` : duration(ms));

function why(because: Regrouping): string {
  switch (because.why) {
    case 'start':
      return 'training starts';
    case 'lost':
      return 'without the lost workers';
    case 'left':
      return `${because.names.join(', ')} left`;
    case 'broken-collective':
      return 'after a broken collective';
    case 'deadlock':
      return 'after a deadlock: all workers waited for each other';
    case 'resize': {
      const where = because.restartsScripts ? 'and every script starts again' : 'at the step boundary';
      return `${because.grows ? 'grows' : 'shrinks'} ${where}`;
    }
  }
}

function since({ fromStep, step }: FactOf<'replicas-differ'>): string {
  const first = fromStep + 1;
  return first >= step ? `step ${step}` : `a step from ${first} to ${step}`;
}

function whoDiffers({ named, workers, others }: FactOf<'replicas-differ'>): string {
  const names = named.map(({ name, rank }) => (rank === null ? name : `${name} (rank ${rank})`));
  const rest = workers.length - names.length;
  const who = enumerate(rest > 0 ? [...names, `${rest} more`] : names);
  const verb = workers.length === 1 ? 'differs' : 'differ';
  if (others === null) return `${who} ${verb} from the others`;
  if (others <= 0) return `there is no majority among ${who}`;
  return `${who} ${verb} from the other${others === 1 ? '' : ` ${others}`}`;
}

function outcome({ action, toStep, workers }: FactOf<'replicas-differ'>): string {
  if (action === 'failed') return 'the job fails';
  if (action === 'repaired')
    return `${workers.length === 1 ? 'its state was' : 'their states were'} replaced, no step is lost`;
  return `all go back to ${toStep === null ? '' : `step ${toStep}, `}the newest state on which all agreed`;
}

function enumerate(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

function left(newest: FactOf<'checkpoint-damaged'>['left']): string {
  if (newest === null) return 'none is left that could be loaded';
  return newest.verified
    ? `the newest valid one is of step ${newest.step}`
    : `the newest that is left is of step ${newest.step}, not verified yet`;
}

const are = (many: number): string => (many === 1 ? 'is' : 'are');

function kept({ good, pinned, best, only }: FactOf<'disk-stays-full'>['kept']): string {
  if (good === 0) return ': there is none that could be loaded';
  if (only !== null) return `: that of step ${only} is the last`;
  if (pinned === 0 && best === 0) return `: training would resume from one of the ${good} that are left`;
  const reasons = [
    ...(pinned > 0 ? [`${pinned} ${are(pinned)} pinned by checkpoint.keepEvery`] : []),
    ...(best > 0 ? [`${best} ${are(best)} kept as the best by checkpoint.keepBest`] : []),
  ];
  return `: of the ${good} that are left, ${reasons.join(' and ')}`;
}

const copying: Readonly<Record<FactOf<'s3-failing'>['kind'], string>> = {
  unreachable: 'checkpoints are not copied to S3 for now',
  refused: 'S3 refuses copies of checkpoints',
  unfit: 'checkpoints cannot be copied to what answers for S3',
  local: 'checkpoints cannot be read for S3',
};
