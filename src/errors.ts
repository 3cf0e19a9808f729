/**
 * Every error that a person can meet, in one place: a stable code, what happened, what to do, and the exit code
 * that a script can rely on. Anything else that is thrown is a defect of ours and keeps its stack trace.
 */

/** Exit codes of the `ftc` command, as docs/cli.md documents them. */
export const ExitCode = {
  ok: 0,
  /** A defect in ftc. */
  internal: 1,
  /** The command line, the environment or the job file is wrong. */
  usage: 2,
  /** The engine or Compose is absent, too old or not permitted, or something on it that is not ftc's is in the way. */
  engine: 3,
  /** The job failed: the script raised, or too few workers were left. */
  jobFailed: 4,
  /** The job is in the wrong state for this command: not running, already running, no such rank. */
  state: 5,
  /** The host cannot do it: a port in use, a full disk. */
  host: 6,
  /** `ftc verify`: the bits differ, steps were lost, or nothing was proved. */
  notVerified: 7,
  /** A checkpoint is damaged: `ftc checkpoints verify` and `export`. */
  damaged: 8,
  /** `ftc chaos run` and `soak`: a hypothesis does not hold. */
  broken: 9,
  /** The same: none is broken, and not all could be judged. */
  notJudged: 10,
  interrupted: 130,
} as const;

const exitCodes = {
  FTC_USAGE: ExitCode.usage,
  FTC_JOB_FILE: ExitCode.usage,
  FTC_SCRIPT_MISSING: ExitCode.usage,
  FTC_SCALE: ExitCode.usage,
  FTC_FAULTS_FILE: ExitCode.usage,
  FTC_SCENARIO_FILE: ExitCode.usage,
  FTC_NO_ENGINE: ExitCode.engine,
  FTC_ENGINE_PERMISSION: ExitCode.engine,
  FTC_ENGINE_GONE: ExitCode.engine,
  FTC_ENGINE_FAILED: ExitCode.engine,
  FTC_NO_COMPOSE: ExitCode.engine,
  FTC_COMPOSE_FAILED: ExitCode.engine,
  FTC_NO_BASE_IMAGE: ExitCode.engine,
  FTC_NO_IMAGE: ExitCode.engine,
  FTC_NOT_OURS: ExitCode.engine,
  FTC_JOB_FAILED: ExitCode.jobFailed,
  FTC_NOT_RUNNING: ExitCode.state,
  FTC_ALREADY_RUNNING: ExitCode.state,
  FTC_OTHER_FOLDER: ExitCode.state,
  FTC_NO_TARGET: ExitCode.state,
  FTC_MASTER_UNREACHABLE: ExitCode.state,
  FTC_NO_CHECKPOINT: ExitCode.state,
  FTC_PORT_IN_USE: ExitCode.host,
  FTC_FILE_EXISTS: ExitCode.host,
  FTC_CANNOT_WRITE: ExitCode.host,
  FTC_VOLUME: ExitCode.host,
  FTC_CANNOT: ExitCode.host,
  FTC_NOT_TRUSTED: ExitCode.host,
  FTC_NOT_VERIFIED: ExitCode.notVerified,
  FTC_CHECKPOINT_DAMAGED: ExitCode.damaged,
} as const;

export type ErrorCode = keyof typeof exitCodes;

/** An error for the person who reads it. `message` says what happened and to which value, `hint` what to do. */
export class FtcError extends Error {
  override readonly name = 'FtcError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }

  get exitCode(): number {
    return exitCodes[this.code];
  }
}
