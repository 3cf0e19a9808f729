/** Variables that a job's script finds in its environment: given with a value, or passed through from the shell. Pure. */

/** By name. Null passes on what the shell of `ftc up` has; nothing of ftc's ever holds that value. */
export type ScriptEnvironment = Readonly<Record<string, string | null>>;

const namePattern = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** The key that decides a variable of ftc's own; null where none does. */
const own: Readonly<Record<string, string | null>> = {
  JOB_ID: 'name',
  WORLD_SIZE: 'workers',
  CHECKPOINT_DIR: 'checkpoint.dir',
  CHECKPOINT_EVERY: 'checkpoint.every',
  DATASET_DIR: 'dataset',
  OUTPUT_DIR: 'outputs',
  HEARTBEAT_TIMEOUT: 'recovery.heartbeat',
  MAX_RESTARTS: 'recovery.maxRestarts',
  OMP_NUM_THREADS: 'threads',
  RANK: null,
  LOCAL_RANK: null,
  LOCAL_WORLD_SIZE: null,
  GROUP_RANK: null,
  GROUP_WORLD_SIZE: null,
  ROLE_NAME: null,
  ROLE_RANK: null,
  ROLE_WORLD_SIZE: null,
  MASTER_ADDR: null,
  MASTER_PORT: null,
  PYTHONHASHSEED: null,
};

/**
 * What is wrong with a variable, as a sentence's end behind the key's name; null where nothing is. It never shows the value.
 * @param value null where the variable is passed through
 */
export function variableProblem(name: string, value: string | null): string | null {
  if (!namePattern.test(name))
    return `names ${JSON.stringify(name)}, which is no variable: letters, digits and "_", and no digit first`;
  if (/^(FTC_|TORCHELASTIC_)/.test(name)) return `names ${name}, which ftc itself sets`;
  const key = Object.hasOwn(own, name) ? own[name] : undefined;
  if (key === null) return `names ${name}, which ftc itself sets`;
  if (key !== undefined) return `names ${name}, which ftc itself sets: use the key "${key}"`;
  if (name === 'PYTHONPATH' && value === null)
    return 'names PYTHONPATH without a value, and the folders of the host are not those of a container: give it a value';
  if (value?.includes('\0') === true) return `gives ${name} a value that holds a NUL`;
  return null;
}

/** `NAME=value`, or `NAME`, which is passed through. */
export function parseVariable(text: string): readonly [name: string, value: string | null] {
  const at = text.indexOf('=');
  return at === -1 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
}

/** The names that the job passes through and `shell` has not. An empty value is one. */
export function missingVariables(
  environment: ScriptEnvironment,
  shell: Readonly<Record<string, string | undefined>>,
): string[] {
  return Object.entries(environment).flatMap(([name, value]) =>
    value === null && shell[name] === undefined ? [name] : [],
  );
}
