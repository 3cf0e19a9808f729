/** Puts what the sources say together, fills in defaults, and checks what no source can check alone. Pure. */
import { fillData } from './data.ts';
import { noHooks } from './hooks.ts';
import { builtinOf, defaults, type Job } from './job.ts';
import { keepBestDefault } from './keep-best.ts';
import type { Launcher } from './launcher.ts';
import { fillS3 } from './s3.ts';
import type { JobFile } from './schema.ts';

/** Something that is wrong with a job as a whole. */
export interface Conflict {
  /** The values that do not fit together; the first is the one to blame. */
  readonly paths: readonly (readonly string[])[];
  readonly message: string;
  readonly hint: string;
}

/**
 * @param sources later ones win, key by key; lists are replaced as a whole. Paths in them are absolute.
 * @param folderName made valid, it names a job that has no name and runs a script of its own, or has a job file
 * @param launcherOf what `launcher: auto` means for a script that is a file
 */
export function resolveJob(
  sources: readonly JobFile[],
  folderName: string | null,
  launcherOf: (script: string) => Launcher = () => 'ftc',
): Job {
  const said = sources.reduce<JobFile>((below, above) => {
    const rest = { ...below };
    if (above.epochs !== undefined) delete rest.steps;
    if (above.steps !== undefined) delete rest.epochs;
    return merge(rest, above);
  }, {});
  const { name, steps, epochs, backend, launcher: asked = 'auto', ...others } = said;
  const filled = merge(defaults, others) as unknown as Filled;
  const { epochs: defaultEpochs, ...job } = filled;
  const auto = () => (builtinOf(job.script) === null ? launcherOf(job.script) : 'ftc');
  const launcher = asked === 'auto' ? auto() : asked;
  // A script that does not expect its world to shrink needs everybody, as under `torchrun --nnodes=3`.
  const minWorkers =
    said.recovery?.minWorkers ?? (launcher === 'torchrun' ? job.workers : job.recovery.minWorkers);
  const { s3, keepBest } = said.checkpoint ?? {};
  return {
    name: name ?? defaultName(job.script, folderName),
    ...job,
    launcher,
    checkpoint: {
      ...job.checkpoint,
      keepBest: keepBest == null ? null : { ...keepBest, keep: keepBest.keep ?? keepBestDefault },
      s3: s3 == null ? null : fillS3(s3),
    },
    data: said.data == null ? null : fillData(said.data),
    outputs: said.outputs == null ? null : { dir: said.outputs },
    hooks: said.hooks == null ? noHooks : { ...noHooks, ...given(said.hooks) },
    recovery: { ...job.recovery, minWorkers },
    length: steps === undefined ? { epochs: epochs ?? defaultEpochs } : { steps },
    backend: backend ?? (job.resources.gpus === null ? 'gloo' : 'nccl'),
  };
}

function defaultName(script: string, folderName: string | null): string {
  const builtin = builtinOf(script);
  return folderName === null && builtin !== null ? builtin : validName(folderName ?? '');
}

/** `My Job (2)` is `my-job-2`. */
export function validName(text: string): string {
  const name = text
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, '-')
    .replace(/^[-_]+|-+$/g, '')
    .slice(0, 63);
  return name === '' ? 'job' : name;
}

export function conflicts({
  workers,
  virtualRanks,
  recovery,
  backend,
  resources,
  launcher,
  checkpoint: { s3 },
}: Job): Conflict[] {
  const found: Conflict[] = [];
  if (launcher === 'ftc' && virtualRanks < workers)
    found.push({
      paths: [['virtualRanks'], ['workers']],
      message: `virtualRanks is ${virtualRanks}, fewer than the ${workers} workers: every worker carries one or more`,
      hint: `Set virtualRanks to ${workers} or more (it is part of the result: keep it for the whole run), or ask for ${virtualRanks} workers at most.`,
    });
  if (recovery.minWorkers > workers)
    found.push({
      paths: [['recovery', 'minWorkers'], ['workers']],
      message: `recovery.minWorkers is ${recovery.minWorkers}, more than the ${workers} workers: the job would wait forever`,
      hint: `Set recovery.minWorkers to ${workers} or less.`,
    });
  if (recovery.backoff.initial > recovery.backoff.max)
    found.push({
      paths: [
        ['recovery', 'backoff', 'initial'],
        ['recovery', 'backoff', 'max'],
      ],
      message: 'recovery.backoff.initial is longer than recovery.backoff.max',
      hint: 'The wait starts at initial and doubles up to max.',
    });
  if (backend === 'nccl' && resources.gpus === null)
    found.push({
      paths: [['backend']],
      message: 'the backend nccl needs GPUs, and the job asks for none',
      hint: 'Set resources.gpus, or leave backend out.',
    });
  if (s3?.bucket === '')
    found.push({
      paths: [['checkpoint', 's3']],
      message: 'checkpoint.s3 names no bucket',
      hint: 'Set checkpoint.s3.bucket (or --s3-bucket, or FTC_S3_BUCKET).',
    });
  if (s3 !== null && launcher === 'torchrun')
    found.push({
      paths: [['checkpoint', 's3']],
      message: 'checkpoint.s3 copies the checkpoints of ftc, and under torchrun the script writes its own',
      hint: 'Leave checkpoint.s3 out, or let the script import ftc.',
    });
  return found;
}

/** What has a value. */
function given<T extends object>(said: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const known = Object.entries(said).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known) as { [K in keyof T]: Exclude<T[K], undefined> };
}

type Filled = Omit<Job, 'name' | 'length' | 'backend' | 'launcher'> & { readonly epochs: number };
type Group = Record<string, unknown>;

/** Group by group; what is undefined above leaves what is below. */
function merge(below: Readonly<Group>, above: Readonly<Group>): Group {
  const result: Group = { ...below };
  for (const [key, value] of Object.entries(above)) {
    if (value === undefined) continue;
    const under = result[key];
    result[key] = isGroup(value) && isGroup(under) ? merge(under, value) : value;
  }
  return result;
}

function isGroup(value: unknown): value is Group {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
