/**
 * The job file's schema. Everything is optional; `defaults` (job.ts) fills in the rest. The same schema checks what the
 * environment and the command line say, and gives editors theirs (json-schema.ts). A message continues the key's name:
 * `workers must be …`.
 */
import { z } from 'zod';
import { Data } from './data-schema.ts';
import { keepBestDefault, modes } from './keep-best.ts';
import { builtinOf, builtinPrefix, builtins, defaults } from './job.ts';
import { HooksSchema } from './hooks-schema.ts';
import { launchers, nodes } from './launcher.ts';
import { S3 } from './s3-schema.ts';
import { described, duration, durationOrOff, group, text, whole } from './schema-parts.ts';
import { amount, scriptKeys } from './script-schema.ts';

const namePattern = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const nameMessage =
  'must start with a lower-case letter or a digit and go on with those, "-" or "_"; 63 at most';
const builtinList = builtins.map(name => builtinPrefix + name).join(', ');

const KeepBest = group({
  metric: text('must be the name of a metric that the script logs').meta(
    described('The metric, as the script names it in job.log.'),
  ),
  mode: z
    .enum(modes, 'must be "min" or "max"')
    .meta(described('Whether its smallest value is the best, or its largest.')),
  keep: whole(1, 10_000).optional().meta(described('How many of the best are kept.', keepBestDefault)),
});

const Checkpoint = group({
  every: whole(1).optional().meta(described('Steps between two checkpoints.', defaults.checkpoint.every)),
  keep: whole(1, 10_000).optional().meta(described('How many are kept.', defaults.checkpoint.keep)),
  keepEvery: whole(1)
    .nullable()
    .optional()
    .meta(described('Every n-th checkpoint is pinned, besides those: it is never removed.', null)),
  keepBest: KeepBest.nullable()
    .optional()
    .meta(described('The best checkpoints by a metric are kept as well.', null)),
  scrub: durationOrOff(1000, '1s')
    .optional()
    .meta(
      described('How often every checkpoint is read again, to find rot before it is needed; or "off".', '1h'),
    ),
  dir: text('must be a directory of the host')
    .nullable()
    .optional()
    .meta(described('A directory of the host to use instead of a named volume.', null)),
  s3: S3.nullable().optional().meta(described('Where every checkpoint is copied to.', null)),
});

const Recovery = group({
  heartbeat: duration(500, '500ms')
    .optional()
    .meta(described('A worker that is silent for this long is lost.', '5s')),
  hang: duration(1000, '1s')
    .optional()
    .meta(
      described(
        'A worker whom all others have waited for this long is stuck, and replaced. Longer than the longest slice, evaluation or loading.',
        '5m',
      ),
    ),
  onStraggler: z
    .enum(['report', 'replace'], 'must be "report" or "replace"')
    .optional()
    .meta(
      described('What is done about a worker far slower than the others.', defaults.recovery.onStraggler),
    ),
  onDivergence: z
    .enum(['repair', 'fail'], 'must be "repair" or "fail"')
    .optional()
    .meta(
      described(
        "What is done when the workers do not hold the same state: the minority takes the majority's, or the job fails.",
        defaults.recovery.onDivergence,
      ),
    ),
  backoff: group({
    initial: duration(1, '1ms')
      .optional()
      .meta(
        described(
          'Wait before the first restart of a worker that was not ready for 5 s; others come at once.',
          '500ms',
        ),
      ),
    max: duration(1, '1ms').optional().meta(described('The wait doubles up to this.', '30s')),
    reset: duration(1, '1ms').optional().meta(described('Health after which the wait starts over.', '60s')),
  })
    .optional()
    .meta(described('How long the supervisor waits before it starts a worker again.')),
  maxRestarts: whole(0)
    .optional()
    .meta(
      described(
        'Restarts of one worker, after which the job goes on without it.',
        defaults.recovery.maxRestarts,
      ),
    ),
  minWorkers: whole(1, 1000)
    .optional()
    .meta(
      described(
        'With fewer workers than this the job waits. Default: 1; all of them with the launcher torchrun.',
      ),
    ),
});

const gpusMessage = 'must be a whole number, 1 or more, or "all"';
const Resources = group({
  cpus: z
    .number('must be a number of CPUs, such as 1.5')
    .positive('must be a number of CPUs, such as 1.5')
    .nullable()
    .optional()
    .meta(described('CPUs per worker.', null)),
  memory: text('must be an amount such as "512m" or "2g"', /^[1-9]\d*[bkmg]b?$/i)
    .nullable()
    .optional()
    .meta(described('Memory per worker, swap included, such as "2g".', null)),
  gpus: z
    .union([z.int(gpusMessage).min(1, gpusMessage), z.literal('all', gpusMessage)], gpusMessage)
    .nullable()
    .optional()
    .meta(described('GPUs per worker.', null)),
  pids: whole(64, 1_000_000)
    .optional()
    .meta(described('Processes and threads per worker.', defaults.resources.pids)),
  tmp: amount('2g')
    .optional()
    .meta(described('Size of /tmp per worker. It counts as memory when used.', defaults.resources.tmp)),
});

export const JobFile = group({
  name: text(nameMessage, namePattern)
    .optional()
    .meta(described("The job's name, which is its Compose project's. Default: the folder's.")),
  script: text('must be a path or one of the built-in scripts')
    .refine(
      value => (builtins as readonly (string | null)[]).concat(null).includes(builtinOf(value)),
      `must be a path, or one of ${builtinList}`,
    )
    .optional()
    .meta(
      described(`The training script, relative to this file, or one of ${builtinList}.`, defaults.script),
    ),
  args: z
    .array(z.string('must be a string (put it in quotes)'), 'must be a list of strings')
    .optional()
    .meta(described("The script's arguments.", [])),
  launcher: z
    .enum(['auto', ...launchers], 'must be "auto", "ftc" or "torchrun"')
    .optional()
    .meta(
      described(
        'What runs the script: ftc, which it imports, or torchrun\'s environment and rules. "auto" is torchrun for a script that does not import ftc.',
        'auto',
      ),
    ),
  node: z
    .enum(nodes, 'must be "machine" or "worker"')
    .optional()
    .meta(
      described(
        'What a script for torchrun takes for its node: the machine (LOCAL_RANK is RANK; the workers share /tmp and /dev/shm, and each sees all GPUs), or each worker (LOCAL_RANK is 0).',
        defaults.node,
      ),
    ),
  workers: whole(1, 1000).optional().meta(described('How many workers train.', defaults.workers)),
  standbys: whole(0, 1000)
    .optional()
    .meta(described('Workers that wait, ready, for the loss of another.', defaults.standbys)),
  standbySync: whole(1)
    .nullable()
    .optional()
    .meta(described('Steps after which a standby takes the state, so that its promotion moves less.', null)),
  virtualRanks: whole(1, 10_000)
    .optional()
    .meta(
      described('Slices of every global batch. Part of the result, unlike `workers`.', defaults.virtualRanks),
    ),
  seed: whole(0).optional().meta(described('Seed of everything random.', defaults.seed)),
  steps: whole(1).optional().meta(described('How many steps to train. Not together with `epochs`.')),
  epochs: whole(1)
    .optional()
    .meta(described('How many passes over the data. Not together with `steps`.', defaults.epochs)),
  checkpoint: Checkpoint.optional().meta(described('Checkpoints.')),
  data: Data.nullable()
    .optional()
    .meta(described('For ftc.ShardedDataset: a volume that keeps shards, and where they come from.', null)),
  dataset: text('must be a directory of the host')
    .nullable()
    .optional()
    .meta(described('A directory of the host, mounted read-only at /data.', null)),
  ...scriptKeys,
  hooks: HooksSchema.nullable()
    .optional()
    .meta(described('URLs and commands that hear when the job fails, recovers or succeeds.', null)),
  recovery: Recovery.optional().meta(described('What happens when something dies.')),
  resources: Resources.optional().meta(described('Limits of each worker.')),
  stopGrace: duration(1000, '1s')
    .optional()
    .meta(
      described('How long a worker that is asked to end has to save what it has; then it is killed.', '60s'),
    ),
  onNonFinite: z
    .enum(['fail', 'skip', 'report'], 'must be "fail", "skip" or "report"')
    .optional()
    .meta(
      described(
        'What is done when the loss or the gradient of a step is not finite: the job fails, the step is left out, or it is only told.',
        defaults.onNonFinite,
      ),
    ),
  threads: whole(1, 1024).optional().meta(described('Torch threads per worker.', defaults.threads)),
  backend: z
    .enum(['gloo', 'nccl'], 'must be "gloo" or "nccl"')
    .optional()
    .meta(described('Communication between workers. Default: gloo, or nccl where GPUs are asked for.')),
  base: text('must be the name of an image', /^[^\s$]+$/)
    .nullable()
    .optional()
    .meta(described('Base image of the workers. Default: $FTC_BASE_IMAGE, or debian:trixie-slim.', null)),
  port: whole(0, 65_535)
    .optional()
    .meta(described('Port of the master on 127.0.0.1; 0 takes any free one.', defaults.port)),
})
  .refine(({ steps, epochs }) => steps === undefined || epochs === undefined, {
    path: ['epochs'],
    message: 'and steps exclude each other; give one of them',
  })
  .meta({ title: 'ftc job file', description: 'A fault-tolerant training job. Every key is optional.' });

/** What one source (file, environment or command line) says. */
export type JobFile = z.output<typeof JobFile>;
