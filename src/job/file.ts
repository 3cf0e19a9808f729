/** The job file: found, read, checked; every error with its line and column. */
import { readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import { FtcError } from '../errors.ts';
import { decodeUtf8, saveAsUtf8 } from '../shared/utf8.ts';
import { type Hook, hookNames } from './hooks.ts';
import { builtinOf } from './job.ts';
import { secretOf } from './s3.ts';
import { check } from './problem.ts';
import type { JobFile } from './schema.ts';
import type { Volume } from './volumes.ts';
import { readYaml, type Position, type YamlText } from './yaml.ts';

export interface ReadJobFile {
  /** Absolute. */
  readonly path: string;
  readonly values: JobFile;
  /** `ftc.yaml:3:5: `, if the file says something at one of `paths`; the first one that it does. */
  locate(paths: readonly (readonly string[])[]): string;
}

/** The path of the job file, or null where the default job is meant. */
export function findJobFile(file: string | undefined, cwd: string): string | null {
  if (file !== undefined) return resolve(cwd, file);
  const candidates = ['ftc.yaml', 'ftc.yml'].map(name => resolve(cwd, name));
  return candidates.find(path => statSync(path, { throwIfNoEntry: false })?.isFile()) ?? null;
}

export function readJobFile(path: string, cwd: string): ReadJobFile {
  const name = shortPath(path, cwd);
  const yaml = readYaml(readText(path, name));
  const at = ({ line, column }: Position) => `${name}:${line}:${column}: `;

  const { value, problems } = yaml.errors.length > 0 ? { value: null, problems: [] } : check(asWritten(yaml));
  if (value === null) {
    const lines = [
      ...yaml.errors.map(({ position, message }) => ({ position, message })),
      ...problems.map(({ path: where, atKey, key, message }) => ({
        position: yaml.locate(where, atKey),
        message: `${key === '' ? 'a job file' : key} ${message}`,
      })),
    ].sort((a, b) => a.position.line - b.position.line || a.position.column - b.position.column);
    throw new FtcError(
      'FTC_JOB_FILE',
      lines.map(({ position, message }) => at(position) + message).join('\n'),
    );
  }
  return {
    path,
    values: absolute(value, dirname(path)),
    locate(paths) {
      const found = paths.find(where => yaml.has(where));
      return found === undefined ? '' : at(yaml.locate(found, false));
    },
  };
}

/** The job file's values, with the environment's numbers as they stand there: `3.10` is no 3.1. */
function asWritten(yaml: YamlText): unknown {
  const { values } = yaml;
  const { environment } = (values ?? {}) as { environment?: unknown };
  if (typeof environment !== 'object' || environment === null || Array.isArray(environment)) return values;
  const written = Object.entries(environment).map(([name, value]: [string, unknown]) => {
    const plain = typeof value === 'number' || typeof value === 'boolean';
    return [name, plain ? (yaml.source(['environment', name]) ?? value) : value] as const;
  });
  return { ...(values as object), environment: Object.fromEntries(written) };
}

function readText(path: string, name: string): string {
  const { text, problem } = decodeUtf8(readBytes(path, name));
  if (text === null)
    throw new FtcError('FTC_JOB_FILE', `the job file ${name} ${problem}`, { hint: saveAsUtf8 });
  return text;
}

function readBytes(path: string, name: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw new FtcError('FTC_JOB_FILE', `there is no job file ${name}`, {
        hint: 'Write one with "ftc init", or leave -f out to run the default job.',
        cause,
      });
    const why = code === 'EISDIR' ? 'it is a directory' : (cause as Error).message;
    throw new FtcError('FTC_JOB_FILE', `cannot read the job file ${name}: ${why}`, { cause });
  }
}

/** Paths in a job file are relative to it. */
function absolute(values: JobFile, folder: string): JobFile {
  const { script, data, dataset, checkpoint, envFile, requirements, outputs, volumes, hooks } = values;
  return {
    ...values,
    ...(script !== undefined && builtinOf(script) === null && { script: resolve(folder, script) }),
    ...(typeof dataset === 'string' && { dataset: resolve(folder, dataset) }),
    ...(typeof envFile === 'string' && { envFile: resolve(folder, envFile) }),
    ...(typeof requirements === 'string' && { requirements: resolve(folder, requirements) }),
    ...(typeof outputs === 'string' && { outputs: resolve(folder, outputs) }),
    ...(volumes !== undefined && { volumes: absoluteVolumes(volumes, folder) }),
    ...(checkpoint !== undefined && { checkpoint: absoluteIn(checkpoint, folder) }),
    ...(hooks && { hooks: absoluteHooks(hooks, folder) }),
    ...(data?.s3 && { data: { ...data, s3: absoluteLogin(data.s3, folder) } }),
  };
}

function absoluteIn(checkpoint: Checkpoint, folder: string): Checkpoint {
  const { dir, s3 } = checkpoint;
  return {
    ...checkpoint,
    ...(typeof dir === 'string' && { dir: resolve(folder, dir) }),
    ...(s3 && { s3: absoluteLogin(s3, folder) }),
  };
}

function absoluteLogin<T extends S3Files>(s3: T, folder: string): T {
  const { credentials, caBundle } = s3;
  const file = typeof credentials === 'string' && secretOf(credentials) === null ? credentials : null;
  return {
    ...s3,
    ...(file !== null && { credentials: resolve(folder, file) }),
    ...(typeof caBundle === 'string' && { caBundle: resolve(folder, caBundle) }),
  };
}

function absoluteHooks(hooks: NonNullable<JobFile['hooks']>, folder: string): typeof hooks {
  const at = (hook: Hook): Hook =>
    hook.kind === 'urlFile' ? { ...hook, path: resolve(folder, hook.path) } : hook;
  const { caBundle } = hooks;
  return {
    ...Object.fromEntries(hookNames.flatMap(name => (hooks[name] ? [[name, hooks[name].map(at)]] : []))),
    ...(typeof caBundle === 'string' && { caBundle: resolve(folder, caBundle) }),
  };
}

interface S3Files {
  readonly credentials?: string | null | undefined;
  readonly caBundle?: string | null | undefined;
}

/** Also for those of the command line, which are relative to the working directory. */
export function absoluteVolumes(volumes: readonly Volume[], folder: string): Volume[] {
  return volumes.map(volume => ({ ...volume, source: resolve(folder, volume.source) }));
}

type Checkpoint = NonNullable<JobFile['checkpoint']>;

/** As a person would write it: relative where that does not climb. */
export function shortPath(path: string, cwd: string): string {
  const short = relative(cwd, path);
  return short === '' || short.startsWith('..') || isAbsolute(short) ? path : short;
}
