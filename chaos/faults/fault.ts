/**
 * What can be done to a container, and how it is put right. A fault looks first (`prepare`), and what it found is recorded;
 * then it happens. From the record alone another process can undo it, should this one be killed in between.
 */
import { z } from 'zod';
import type { Replica } from '../../src/runtime/replica.ts';
import type { Role } from '../../src/shared/names.ts';
import type { Capability, FaultHands } from '../../src/runtime/faults.ts';
import type { Hands } from '../../src/runtime/hands.ts';
import { PlainName } from '../../src/disk/name.ts';
import { FtcError } from '../../src/errors.ts';

/** What a fault can be aimed at. `all` is every worker at once; `engine` the engine itself. */
export const targets = ['worker', 'standby', 'master', 'supervisor', 'all', 'engine'] as const;
export type Target = (typeof targets)[number];

/** A container that was chosen. */
export interface Hit {
  readonly container: Replica;
  readonly role: Role;
  /** Null for a standby, a worker that is starting, and what is no worker. */
  readonly rank: number | null;
}

/** A fault's parameters, as they were written. */
export type Params = Readonly<Record<string, string | number>>;

/** The job around a hit. */
export interface Scene {
  readonly project: string;
  /** Everybody who is hit at the same time, the one at hand included. */
  readonly hits: readonly Hit[];
  /** Everybody of the job who runs. */
  readonly job: readonly Hit[];
  readonly seed: number;
}

/** What faults work with: one job on its runtime. */
export interface World {
  readonly hands: Hands;
  readonly faults: FaultHands;
}

const Json: z.ZodType = z.json();

/** All that is needed to undo one fault of one container; a line of the journal, and a label of its helper. */
export const FaultRecord = z.object({
  /** Of this fault of this container: `<run>-<number>`. */
  id: z.string().regex(/^[a-z0-9]+-\d+$/),
  /** The command that did it. */
  run: z.string(),
  project: PlainName,
  fault: z.string(),
  container: z.object({
    /** In full: a shorter one, or a name, could stand for another container. */
    id: z.string().regex(/^[0-9a-f]{64}$/),
    name: PlainName,
    hostname: PlainName,
    role: z.enum(['master', 'supervisor', 'worker']),
    rank: z.int().nullable(),
    /** Which run of the container it was. */
    startedAt: z.number().nullable(),
  }),
  params: Json,
  /** Milliseconds after which it is undone; null where nothing undoes it. */
  forMs: z.number().nullable(),
  /** Milliseconds since the epoch. */
  at: z.number(),
  /** What the fault itself needs to be undone. */
  data: Json,
});
export type FaultRecord = z.infer<typeof FaultRecord>;

/** A record before the fault has looked. */
export type Draft = Omit<FaultRecord, 'data'>;

/** A fault that has looked, and changed nothing yet. */
export interface Prepared<Data> {
  readonly data: Data;
  /** Makes it happen; returns when it is in force, with what the record says of it where more is known now. The record is durable by then. */
  apply(record: FaultRecord): Promise<void> | Promise<Data>;
  /** It will not be applied. */
  cancel?(): Promise<void>;
}

/** How long a fault lasts: it is over at once; it is undone only if a time is given; it always lasts, this long if none is. */
type Lasting = 'no' | 'maybe' | { readonly usualMs: number };

interface Traits {
  readonly name: string;
  /** One line, for `ftc chaos list`. */
  readonly summary: string;
  /** What it can be aimed at; the first is meant where none is named. */
  readonly targets: readonly Target[];
  readonly lasting: Lasting;
  /** A command line that shows it. */
  readonly example: string;
  /** The target's process ends by it: a new run of it is waited for. `maybe`: unless it goes on, as a program may that takes the signal. */
  readonly ends?: boolean | 'maybe';
  /** It makes a worker's state another one, without a sign: the replica check must find it. */
  readonly corrupts?: boolean;
  /** It needs the helper's image. */
  readonly helped?: boolean;
  /** A run of a container that starts meanwhile is hit, too. */
  readonly follows?: boolean;
  /** What the runtime must be able to do. Killing and starting are known to all. */
  readonly asks?: readonly Capability[];
  /** What the kernel must be able to do: a key of the probe's answer. */
  readonly needs?: Need;
  /** Why it can never be done, anywhere. */
  readonly impossible?: string;
  /** Asks for this flag first. `key` is what the command line calls its value. */
  readonly consent?: { readonly flag: string; readonly key: string; readonly help: string };
}

/** What a kernel may lack. `delay` is netem or a packet queue. */
export type Need = 'filter' | 'statistic' | 'tbf' | 'netem' | 'delay';

export interface FaultOf<Params extends z.ZodObject, Data extends z.ZodType> extends Traits {
  readonly params: Params;
  readonly data: Data;
  /** What exactly was hit, where that is more than the container. */
  tell?(data: z.output<Data>): string;
  prepare(
    world: World,
    scene: Scene,
    hit: Hit,
    params: z.output<Params>,
    draft: Draft,
  ): Promise<Prepared<z.output<Data>>>;
  /**
   * Puts right what does not mend itself. Harmless where there is nothing to put right.
   * @returns what a person should know, such as that the target is gone; null where there is nothing to say
   */
  revert(world: World, record: FaultRecord, data: z.output<Data>): Promise<string | null>;
}

/** A fault whose parameters and record are checked where they come in. */
export interface Fault extends Traits {
  readonly params: z.ZodObject;
  /** Null where there is nothing to say beyond the container. */
  detail(record: FaultRecord): string | null;
  /** @throws ZodError when `params` are not what the fault takes */
  prepare(world: World, scene: Scene, hit: Hit, params: unknown, draft: Draft): Promise<Prepared<unknown>>;
  revert(world: World, record: FaultRecord): Promise<string | null>;
}

export function fault<Params extends z.ZodObject, Data extends z.ZodType>(of: FaultOf<Params, Data>): Fault {
  return {
    ...of,
    detail: record => of.tell?.(of.data.parse(record.data)) ?? null,
    prepare: (world, scene, hit, params, draft) =>
      of.prepare(world, scene, hit, of.params.parse(params), draft),
    revert(world, record) {
      const data = of.data.safeParse(record.data);
      if (data.success) return of.revert(world, record, data.data);
      const [issue] = data.error.issues;
      const where = ['data', ...(issue?.path ?? [])].join('.');
      throw new FtcError('FTC_NOT_TRUSTED', `its record is none of ${of.name}'s (${where}) and is not used`);
    },
  };
}

/** How long it lasts where nobody says; null where it does not. */
export const usualMs = ({ lasting }: Fault): number | null =>
  typeof lasting === 'object' ? lasting.usualMs : null;
