/** From the command line, the environment and the job file to one job. */
import { basename, dirname, resolve } from 'node:path';
import { FtcError } from '../errors.ts';
import { findJobFile, readJobFile, type ReadJobFile } from './file.ts';
import { findHidden, type HiddenPaths } from './hidden.ts';
import { checkHost } from './host.ts';
import { builtinOf, type Job } from './job.ts';
import { checkNeeds, type Needs } from './needs.ts';
import { conflicts, resolveJob } from './resolve.ts';
import { launcherOf } from './script-launcher.ts';
import { fromEnvironment, fromFlags, type JobFlags } from './sources.ts';

export interface LoadedJob {
  readonly job: Job;
  /** Absolute; null for a job without a file. */
  readonly file: string | null;
  /** Absolute: the job file's folder, or the working directory. */
  readonly projectDir: string;
  /** `uid:gid` of master and workers. */
  readonly user: string;
  /** What was found out about the files that its script gets, where it gets any. */
  readonly needs?: Needs;
  /** What workers do not see of the folders that they are given. */
  readonly hidden?: HiddenPaths;
}

type Env = Readonly<Record<string, string | undefined>>;

/**
 * The command line wins over the environment, which wins over the file, which wins over the defaults.
 * @throws FtcError with every problem in it, one a line
 */
export function loadJob(
  flags: JobFlags = {},
  env: Env = process.env,
  cwd: string = process.cwd(),
): LoadedJob {
  const { job, file, projectDir } = read(flags, env, cwd);
  const found = conflicts(job);
  if (found.length > 0)
    throw new FtcError(
      file === null ? 'FTC_USAGE' : 'FTC_JOB_FILE',
      found.map(({ paths, message }) => (file?.locate(paths) ?? '') + message).join('\n'),
      { hint: found.map(({ hint }) => hint).join('\n') },
    );
  const user = checkHost(job, cwd);
  const needs = checkNeeds(job, user, cwd);
  return { job, file: file?.path ?? null, projectDir, user, needs, hidden: findHidden(job, projectDir) };
}

/**
 * Which job is meant, for commands that act on one that is there: what it would need to start is not looked at.
 * @throws FtcError when the file, the environment or the command line cannot be read
 */
export function loadJobName(
  flags: JobFlags = {},
  env: Env = process.env,
  cwd: string = process.cwd(),
): string {
  return read(flags, env, cwd).job.name;
}

function read(
  flags: JobFlags,
  env: Env,
  cwd: string,
): { job: Job; file: ReadJobFile | null; projectDir: string } {
  const path = findJobFile(flags.file, cwd);
  const file = path === null ? null : readJobFile(path, cwd);
  const sources = [file?.values ?? {}, fromEnvironment(env, cwd), fromFlags(flags, cwd)];

  const projectDir = path === null ? resolve(cwd) : dirname(path);
  const hasScript = sources.some(({ script }) => script !== undefined && builtinOf(script) === null);
  const folderName = path === null && !hasScript ? null : basename(projectDir);
  const job = withBundle(resolveJob(sources, folderName, launcherOf), env['AWS_CA_BUNDLE'], cwd);
  return { job, file, projectDir };
}

/** As AWS's own tools: what the job does not say of certificates, the environment may. */
function withBundle(job: Job, said: string | undefined, cwd: string): Job {
  if (said === undefined || said === '') return job;
  const path = resolve(cwd, said);
  const trusting = <T extends { endpoint: string | null; caBundle: string | null }>(s3: T): T =>
    s3.caBundle !== null || s3.endpoint?.startsWith('http:') === true ? s3 : { ...s3, caBundle: path };
  const { checkpoint, data } = job;
  return {
    ...job,
    checkpoint: { ...checkpoint, s3: checkpoint.s3 && trusting(checkpoint.s3) },
    data: data?.s3 ? { ...data, s3: trusting(data.s3) } : data,
  };
}
