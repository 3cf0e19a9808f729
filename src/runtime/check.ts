import { FtcError, type ErrorCode } from '../errors.ts';

/** One thing that the doctor looked at. */
export interface Check {
  /** `job`, `engine`, …: a word or two. */
  readonly name: string;
  /** `warn`: it may go wrong. `fail`: "ftc up" would fail. */
  readonly state: 'ok' | 'warn' | 'fail';
  readonly detail: string;
  readonly hint: string | null;
  readonly code: ErrorCode | null;
}

export const ok = (name: string, detail: string): Check => ({
  name,
  state: 'ok',
  detail,
  hint: null,
  code: null,
});

export const warn = (name: string, detail: string, hint: string): Check => ({
  name,
  state: 'warn',
  detail,
  hint,
  code: null,
});

/** @throws anything that is not for the person */
export function failed(name: string, error: unknown): Check {
  if (!(error instanceof FtcError)) throw error;
  return { name, state: 'fail', detail: error.message, hint: error.hint ?? null, code: error.code };
}
