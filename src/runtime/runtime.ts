/**
 * What runs jobs: Docker today. Nothing outside src/runtime knows which one it is. A module of pick.ts's table opens a runtime, a
 * runtime opens or starts jobs (./job.ts), and a job gives its hands to whoever supervises (./hands.ts) or breaks it (./faults.ts).
 */
import type { LoadedJob } from '../job/load.ts';
import type { Check } from './check.ts';
import type { EngineRun, FaultHands } from './faults.ts';
import type { RunningJob, Stages } from './job.ts';

/** The names of runtimes. */
export type Kind = 'docker';

/** What is known of a runtime, for reports. */
export interface RuntimeInfo {
  /** Its own version; `unknown` where it does not say. */
  readonly version: string;
  /** The version of what starts jobs on it: Compose's. */
  readonly starter: string;
  /** Of the machine that it runs on. */
  readonly os: string;
  readonly kernel: string;
  readonly architecture: string;
  readonly cpus: number;
  /** Bytes. */
  readonly memory: number;
}

/** Why runs of a job are made that only try it out. */
export interface Purpose {
  /** Names the label that a run's parts have; its value is the job's name. */
  readonly label: string;
  /** A part of the run's name. */
  readonly word: string;
}

/** Whose runs: of one job, or of any. */
export interface Whose {
  readonly purpose: Purpose;
  readonly job: string | null;
}

export interface Leftovers {
  /** Runs that nobody answers for any more. */
  readonly projects: readonly string[];
  /** Owners of such runs that there are now: `host/pid`. */
  readonly alive: readonly string[];
}

export interface PrepareOptions {
  /** Put on everything that the job makes. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Text of the file with the URLs of its hooks; null where it has none. Undefined leaves a file as it is. */
  readonly hookUrls?: string | null;
}

export interface LaunchOptions {
  readonly stages: Stages;
  readonly signal: AbortSignal;
  /**
   * Whether the job takes its name for its folder: `adopt` goes on from the checkpoints of another folder's, or another script's, job
   * of this name. Null for a run that only tries a job out.
   */
  readonly claim: { readonly adopt: boolean } | null;
  /** False trusts that its images are there and that its name is free. */
  readonly build: boolean;
}

/** What a build has made. */
export interface Built {
  /** Identifies what workers run, to the last bit. */
  readonly image: string;
  /** Identifies the machine. */
  readonly machine: string;
}

/** A job that can be started. */
export interface PreparedJob {
  readonly name: string;
  /**
   * Removes what is left of a run that has ended, builds, starts. Checkpoints are never touched.
   * @throws FtcError FTC_NOT_OURS, FTC_OTHER_FOLDER, FTC_ALREADY_RUNNING, FTC_NO_BASE_IMAGE, FTC_COMPOSE_FAILED, FTC_PORT_IN_USE
   */
  launch(o: LaunchOptions): Promise<RunningJob>;
  /** @throws FtcError FTC_NO_BASE_IMAGE, FTC_COMPOSE_FAILED */
  build(o: Pick<LaunchOptions, 'stages' | 'signal'>): Promise<Built>;
}

/** Calls throw FTC_ENGINE_GONE, FTC_ENGINE_FAILED and FTC_ENGINE_PERMISSION, as the runtime has it. */
export interface Runtime {
  readonly kind: Kind;
  /** @throws FtcError FTC_NO_COMPOSE where what starts jobs is not there */
  ready(): Promise<void>;
  /** @throws as `ready` does */
  about(): Promise<RuntimeInfo>;
  /** Names of the jobs that have replicas, sorted. */
  jobs(): Promise<string[]>;
  /** The job of that name, whether it is there or not. Nothing is asked yet. */
  open(name: string): RunningJob;
  /** @throws FtcError FTC_USAGE where the job passes on a variable that is not set, FTC_NOT_TRUSTED where `.ftc` is not the user's own */
  prepare(loaded: LoadedJob, o?: PrepareOptions): Promise<PreparedJob>;
  /** Whether anything has this name, whoever made it. */
  isTaken(name: string): Promise<boolean>;
  findLeftovers(whose: Whose): Promise<Leftovers>;
  /** Removes all of one run, its storage too, if such a run made it, and the helpers of its faults; nothing else, ever. */
  removeRun(whose: Whose, name: string): Promise<void>;
  /** @param say is told what takes its time, such as building what helpers are made from */
  faults(say: (line: string) => void): FaultHands;
}

/** How a runtime is come by. */
export interface RuntimeModule {
  readonly kind: Kind;
  /** @throws FtcError FTC_NO_ENGINE, FTC_ENGINE_PERMISSION */
  open(): Promise<Runtime>;
  /** What it would be given to start a job, as text: a Compose file. Nothing is asked or changed. */
  render(loaded: LoadedJob): string;
  /** What is fine and what is not, as `ftc doctor` shows it. @param loaded null where the job cannot be read */
  examine(loaded: LoadedJob | null): Promise<Check[]>;
  /**
   * Starts an engine again that a fault has ended.
   * @param cause why no engine answers
   * @throws FtcError FTC_CANNOT, at once, where that one is not meant or the rights are missing
   */
  revival(run: EngineRun, cause: unknown): () => Promise<void>;
}
