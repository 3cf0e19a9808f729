/** Every setting that the environment or the command line can make, with its place in the job. */

export interface Setting {
  /** Where it is in the job file. */
  readonly path: readonly [string, ...string[]];
  readonly env: string;
  /** As commander declares it; null where there is no flag. */
  readonly flag: string | null;
  readonly help: string;
  /** A `path` is relative to the working directory; a `script` is one, or a built-in's name; `credentials` are one, or a secret's; a `switch` is there or not. */
  readonly kind: 'number' | 'text' | 'path' | 'script' | 'credentials' | 'switch';
}

const setting = (
  path: Setting['path'],
  env: string,
  flag: string | null,
  kind: Setting['kind'],
  help: string,
): Setting => ({ path, env, flag, kind, help });

const s3Settings = [
  setting(
    ['checkpoint', 's3', 'bucket'],
    'FTC_S3_BUCKET',
    '--s3-bucket <name>',
    'text',
    'bucket for copies of checkpoints',
  ),
  setting(
    ['checkpoint', 's3', 'prefix'],
    'FTC_S3_PREFIX',
    '--s3-prefix <path>',
    'text',
    'where in the bucket',
  ),
  setting(
    ['checkpoint', 's3', 'endpoint'],
    'FTC_S3_ENDPOINT',
    '--s3-endpoint <url>',
    'text',
    'S3-compatible server, not AWS',
  ),
  setting(
    ['checkpoint', 's3', 'region'],
    'FTC_S3_REGION',
    '--s3-region <name>',
    'text',
    'region of the bucket',
  ),
  setting(['checkpoint', 's3', 'keep'], 'FTC_S3_KEEP', null, 'number', 'how many are kept there'),
  setting(
    ['checkpoint', 's3', 'keepEvery'],
    'FTC_S3_KEEP_EVERY',
    null,
    'number',
    'every so-many-th is kept there',
  ),
  setting(
    ['checkpoint', 's3', 'restoreTimeout'],
    'FTC_S3_RESTORE_TIMEOUT',
    null,
    'text',
    'how long an empty volume waits for it',
  ),
  setting(
    ['checkpoint', 's3', 'credentials'],
    'FTC_S3_CREDENTIALS',
    '--s3-credentials <path>',
    'credentials',
    'AWS credentials file for it',
  ),
  setting(
    ['checkpoint', 's3', 'caBundle'],
    'FTC_S3_CA_BUNDLE',
    '--s3-ca-bundle <path>',
    'path',
    'certificates that it is trusted by',
  ),
];

export const settings: readonly Setting[] = [
  setting(['name'], 'JOB_ID', '--name <name>', 'text', "the job's name"),
  setting(['script'], 'FTC_SCRIPT', '--script <path>', 'script', 'training script, or builtin:<name>'),
  setting(['launcher'], 'FTC_LAUNCHER', '--launcher <name>', 'text', 'ftc, torchrun or auto'),
  setting(['node'], 'FTC_NODE', '--node <what>', 'text', 'a node of a torchrun script: machine or worker'),
  setting(['workers'], 'WORLD_SIZE', null, 'number', 'how many workers train'),
  setting(['standbys'], 'FTC_STANDBYS', '--standbys <n>', 'number', 'workers that wait, ready'),
  setting(
    ['standbySync'],
    'FTC_STANDBY_SYNC',
    '--standby-sync <steps>',
    'number',
    'steps after which a standby takes the state',
  ),
  setting(['virtualRanks'], 'FTC_VIRTUAL_RANKS', '--virtual-ranks <n>', 'number', 'slices of every batch'),
  setting(['seed'], 'FTC_SEED', '--seed <n>', 'number', 'seed of everything random'),
  setting(['steps'], 'FTC_STEPS', '--steps <n>', 'number', 'how many steps to train'),
  setting(['epochs'], 'FTC_EPOCHS', '--epochs <n>', 'number', 'how many passes over the data'),
  setting(
    ['checkpoint', 'every'],
    'CHECKPOINT_EVERY',
    '--checkpoint-every <steps>',
    'number',
    'steps between checkpoints',
  ),
  setting(
    ['checkpoint', 'keep'],
    'FTC_CHECKPOINT_KEEP',
    '--checkpoint-keep <n>',
    'number',
    'how many checkpoints are kept',
  ),
  setting(
    ['checkpoint', 'keepEvery'],
    'FTC_CHECKPOINT_KEEP_EVERY',
    '--checkpoint-keep-every <n>',
    'number',
    'every so-many-th checkpoint is kept, too',
  ),
  setting(
    ['checkpoint', 'scrub'],
    'FTC_CHECKPOINT_SCRUB',
    '--checkpoint-scrub <time>',
    'text',
    'how often checkpoints are read again, or off',
  ),
  setting(
    ['checkpoint', 'dir'],
    'CHECKPOINT_DIR',
    '--checkpoint-dir <path>',
    'path',
    'directory for checkpoints, not a volume',
  ),
  ...s3Settings,
  setting(['dataset'], 'DATASET_DIR', '--dataset <path>', 'path', 'directory mounted at /data'),
  setting(['envFile'], 'FTC_ENV_FILE', '--env-file <path>', 'path', 'file of variables for the script'),
  setting(
    ['requirements'],
    'FTC_REQUIREMENTS',
    '--requirements <path>',
    'path',
    "requirements.txt for the workers' image",
  ),
  setting(['workdir'], '', '--workdir', 'switch', 'run the script in a writable copy of its folder'),
  setting(
    ['outputs'],
    'FTC_OUTPUTS',
    '--outputs <path>',
    'path',
    'directory that workers write, at /outputs',
  ),
  setting(['shmSize'], 'FTC_SHM_SIZE', '--shm-size <size>', 'text', 'size of /dev/shm in each worker'),
  setting(
    ['recovery', 'heartbeat'],
    'HEARTBEAT_TIMEOUT',
    '--heartbeat <time>',
    'text',
    'a worker silent for this long is lost',
  ),
  setting(
    ['recovery', 'maxRestarts'],
    'MAX_RESTARTS',
    '--max-restarts <n>',
    'number',
    'restarts of one worker, at most',
  ),
  setting(
    ['recovery', 'minWorkers'],
    'FTC_MIN_WORKERS',
    '--min-workers <n>',
    'number',
    'with fewer workers the job waits',
  ),
  setting(
    ['recovery', 'onDivergence'],
    'FTC_ON_DIVERGENCE',
    '--on-divergence <what>',
    'text',
    'workers that differ: repair or fail',
  ),
  setting(
    ['stopGrace'],
    'FTC_STOP_GRACE',
    '--stop-grace <time>',
    'text',
    'time to save before a worker is killed',
  ),
  setting(
    ['onNonFinite'],
    'FTC_ON_NON_FINITE',
    '--on-non-finite <what>',
    'text',
    'a loss that is not finite: fail, skip or report',
  ),
  setting(['threads'], 'FTC_THREADS', '--threads <n>', 'number', 'torch threads per worker'),
  setting(['backend'], 'FTC_BACKEND', '--backend <name>', 'text', 'gloo or nccl'),
  setting(['port'], 'FTC_PORT', '--port <n>', 'number', 'port of the master on 127.0.0.1; 0 is any'),
  // FTC_BASE_IMAGE is no layer of the job: Compose puts it in when images are built.
  setting(['base'], '', '--base <image>', 'text', 'base image of the workers'),
];

/** The name under which commander hands a flag over: `--checkpoint-every <n>` is `checkpointEvery`. */
export function optionName(flag: string): string {
  const [name = ''] = flag.replace(/^--/, '').split(' ');
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** Flags that every command which reads a job takes, with one line of help each. `--scale` may be repeated. */
export const jobFlags: readonly { flag: string; help: string; repeat?: true }[] = [
  { flag: '-f, --file <path>', help: 'job file (default: ./ftc.yaml, then ./ftc.yml, then the default job)' },
  { flag: '--scale <service=n>', help: 'how many workers train: worker=3', repeat: true },
  {
    flag: '--env <name[=value]>',
    help: 'variable for the script; a name alone is passed through from this shell',
    repeat: true,
  },
  {
    flag: '--volume <source:target>',
    help: "more of the host's files for the script, read-only; with :rw writable",
    repeat: true,
  },
  ...settings.flatMap(({ flag, help }) => (flag === null ? [] : [{ flag, help }])),
];
