import { FtcError, type ErrorCode } from '../../errors.ts';

/** One thing that the doctor looked at. */
export interface Check {
  readonly name: 'job' | 'engine' | 'compose' | 'images' | 'base image' | 'disk' | 'memory' | 'port';
  /** `warn`: it may go wrong. `fail`: "ftc up" would fail. */
  readonly state: 'ok' | 'warn' | 'fail';
  readonly detail: string;
  readonly hint: string | null;
  readonly code: ErrorCode | null;
}

type Name = Check['name'];

export const ok = (name: Name, detail: string): Check => ({
  name,
  state: 'ok',
  detail,
  hint: null,
  code: null,
});

export const warn = (name: Name, detail: string, hint: string): Check => ({
  name,
  state: 'warn',
  detail,
  hint,
  code: null,
});

/** @throws anything that is not for the person */
export function failed(name: Name, error: unknown): Check {
  if (!(error instanceof FtcError)) throw error;
  return { name, state: 'fail', detail: error.message, hint: error.hint ?? null, code: error.code };
}
