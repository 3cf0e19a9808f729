/** What went wrong between us and the engine, as a person should read it. */
import { FtcError } from '../../errors.ts';

/** dockerode's errors carry `statusCode` when the engine answered, Node's carry `code` when it did not. */
interface Raw {
  readonly statusCode?: number;
  readonly code?: string;
  readonly message: string;
  readonly json?: unknown;
}

const raw = (error: unknown): Raw => (error instanceof Error ? error : { message: String(error) });

/** The HTTP status that the engine answered with; null when it did not answer. */
export function statusOf(error: unknown): number | null {
  return raw(error).statusCode ?? null;
}

export function isPermission(error: unknown): boolean {
  const { code } = raw(error);
  return code === 'EACCES' || code === 'EPERM';
}

/** The engine's own words, without dockerode's frame around them. */
export function reasonOf(error: unknown): string {
  const { json, message } = raw(error);
  const said = (json as { message?: unknown } | null | undefined)?.message;
  return (typeof said === 'string' ? said : message.replace(/^\(HTTP code \d+\) [\w ]+ - /, '')).trim();
}

/** @param doing `start worker-1`, for the message */
export function engineError(error: unknown, doing: string): FtcError {
  if (error instanceof FtcError) return error;
  const status = statusOf(error);
  const reason = reasonOf(error);
  if (status === null) {
    if (isPermission(error)) return permissionError('the engine', error);
    return new FtcError('FTC_ENGINE_GONE', `the container engine went away (${doing}: ${reason})`, {
      hint: 'Start it again: the job resumes from its latest checkpoint by itself.',
      cause: error,
    });
  }
  if (/port is already allocated|address already in use/i.test(reason))
    return new FtcError('FTC_PORT_IN_USE', `cannot ${doing}: ${reason}`, {
      hint: 'Take another port with --port, or --port 0 for any free one.',
      cause: error,
    });
  if (status === 404)
    return new FtcError('FTC_NO_TARGET', `cannot ${doing}: the container is gone`, { cause: error });
  if (status === 409) return new FtcError('FTC_NOT_RUNNING', `cannot ${doing}: ${reason}`, { cause: error });
  return new FtcError('FTC_ENGINE_FAILED', `cannot ${doing}: ${reason}`, { cause: error });
}

export function permissionError(where: string, cause: unknown): FtcError {
  return new FtcError('FTC_ENGINE_PERMISSION', `no permission to use ${where}`, {
    hint: 'Join the group "docker" (sudo usermod -aG docker $USER, then log in again), or use rootless Docker.',
    cause,
  });
}
