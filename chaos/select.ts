/** Which containers a fault hits. Pure: the same job, wish and seed choose the same. Nobody outside of the project is ever chosen. */
import { ftcLabels } from '../src/shared/names.ts';
import type { Replica } from '../src/runtime/replica.ts';
import { FtcError } from '../src/errors.ts';
import type { Status, WorkerRow } from '../src/api/status.ts';
import type { Phase } from '../src/protocol/inbound.ts';
import type { Hit, Target } from './faults/fault.ts';
import { generator } from './random.ts';

export interface Wish {
  readonly target: Target;
  readonly ranks?: readonly number[] | undefined;
  /** A container's name, or the beginning of its id. */
  readonly container?: string | undefined;
  /** `name`, or `name=value`. */
  readonly label?: string | undefined;
  readonly all?: boolean | undefined;
  /** How many, chosen at random. */
  readonly count?: number | undefined;
  /** The same as a share of all there are, rounded up. */
  readonly percent?: number | undefined;
  /** Leaves one that holds the state, unless a rank, a container or all are meant. */
  readonly spare?: boolean | undefined;
  /** Only who is doing one of these. */
  readonly phases?: readonly Phase[] | undefined;
  readonly seed: number;
}

/** Everybody of the project who runs and is not exempt, in Compose's order. Ranks are not known without a status. */
export function everybody(containers: readonly Replica[], project: string, status: Status | null): Hit[] {
  const ranks = new Map(status?.workers.map(w => [w.id, w.rank]));
  return containers
    .filter(c => c.project === project && c.state === 'running' && c.labels[ftcLabels.exempt] !== 'true')
    .map(container => {
      const rank = container.role === 'worker' ? (ranks.get(container.hostname) ?? null) : null;
      return { container, role: container.role, rank };
    });
}

/** @throws FtcError FTC_NO_TARGET that names what there is */
export function choose(wish: Wish, job: readonly Hit[], status: Status | null): Hit[] {
  const rows = new Map(status?.workers.map(w => [w.id, w]));
  const pool = inPhase(named(wish, poolOf(wish, job, rows), job), wish, rows);
  if (wish.ranks !== undefined) return wish.ranks.map(rank => holder(rank, pool, job));
  if (wish.container !== undefined || wish.all === true || wish.target === 'all') return [...pool];
  const count = countOf(wish, pool, job);
  const order = shuffle(pool, wish.seed);
  // Of others than the workers that train, nobody needs to be left.
  const spares = wish.spare === true && wish.target === 'worker';
  const free = spares ? sparing(order, job, rows, status) : order;
  // A share is of all there are; a number is what was asked for.
  if (wish.count !== undefined && count > free.length)
    throw nobody(
      `${count} were asked for, and ${free.length} of ${order.length} can go: one holds the state`,
      job,
    );
  return free.slice(0, count);
}

function poolOf({ target, container, label }: Wish, job: readonly Hit[], rows: Rows): readonly Hit[] {
  const workers = job.filter(h => h.role === 'worker');
  const is = (h: Hit, role: WorkerRow['role']): boolean => rows.get(h.container.hostname)?.role === role;
  const pool = {
    master: () => job.filter(h => h.role === 'master'),
    supervisor: () => job.filter(h => h.role === 'supervisor'),
    all: () => workers,
    standby: () => workers.filter(h => is(h, 'standby')),
    // Nobody holds a rank while all are starting. Who is named is meant, whatever it does.
    worker: () => {
      const ranked = workers.filter(h => h.rank !== null);
      return ranked.length === 0 || container !== undefined || label !== undefined ? workers : ranked;
    },
    // What stands for it in the journal; nothing is done to that container.
    engine: () => job.slice(0, 1),
  }[target]();
  if (pool.length > 0) return pool;
  const what =
    target === 'all' || target === 'worker' ? 'worker' : target === 'engine' ? 'container' : target;
  throw nobody(`no ${what} is running`, job);
}

function named({ container: name, label }: Wish, pool: readonly Hit[], job: readonly Hit[]): readonly Hit[] {
  if (name !== undefined) {
    const found = pool.filter(({ container: c }) => c.name === name || c.id.startsWith(name));
    if (found.length === 1) return found;
    const what = found.length === 0 ? 'nothing that runs is' : `${found.length} containers are`;
    throw nobody(`${what} called "${name}"`, job);
  }
  if (label === undefined) return pool;
  const [key = '', value] = label.split(/=(.*)/s);
  const found = pool.filter(({ container: c }) =>
    value === undefined ? key in c.labels : c.labels[key] === value,
  );
  if (found.length === 0) throw nobody(`nothing that runs has the label "${label}"`, job);
  return found;
}

function inPhase(pool: readonly Hit[], { phases, ranks, container }: Wish, rows: Rows): readonly Hit[] {
  if (phases === undefined || ranks !== undefined || container !== undefined) return pool;
  const found = pool.filter(h => {
    const phase = rows.get(h.container.hostname)?.phase;
    return phase != null && phases.includes(phase);
  });
  // Whoever else is hit, it is the moment that counts.
  return found.length === 0 ? pool : found;
}

function holder(rank: number, pool: readonly Hit[], job: readonly Hit[]): Hit {
  const found = pool.find(h => h.rank === rank);
  if (!found) throw nobody(`no running worker holds rank ${rank}`, job);
  return found;
}

function countOf({ count, percent }: Wish, pool: readonly Hit[], job: readonly Hit[]): number {
  if (percent !== undefined) return Math.max(1, Math.ceil((pool.length * percent) / 100));
  if (count === undefined) return 1;
  if (count > pool.length) throw nobody(`${count} were asked for and ${pool.length} run`, job);
  return count;
}

/** Those of whom one who holds the state is left when they are gone. Nobody, where only one holds it among several. */
function sparing(
  order: readonly Hit[],
  job: readonly Hit[],
  rows: Rows,
  status: Status | null,
): readonly Hit[] {
  const holds = (h: Hit): boolean =>
    h.rank !== null && (rows.get(h.container.hostname)?.step ?? -1) >= (status?.step ?? 0) - 1;
  if ((status?.target ?? 1) <= 1) return order;
  const holders = job.filter(holds);
  if (holders.length < 2) throw nobody('only one worker holds the state', job);
  // Somebody who cannot be chosen is left anyway.
  if (holders.some(h => !order.includes(h))) return order;
  const spared = order.findLastIndex(holds);
  return order.filter((_, i) => i !== spared);
}

function nobody(message: string, job: readonly Hit[]): FtcError {
  const there = job.filter(h => h.role === 'worker').map(describe);
  const hint =
    there.length === 0
      ? '"ftc ps" shows the containers; one that died is started again within seconds.'
      : `There are: ${there.join(', ')}.`;
  return new FtcError('FTC_NO_TARGET', message, { hint });
}

type Rows = ReadonlyMap<string, WorkerRow>;

const describe = ({ container, rank }: Hit): string =>
  `${container.name} (${rank === null ? 'no rank' : `rank ${rank}`})`;

/** Fisher–Yates with a generator that is the same everywhere. */
function shuffle<T>(items: readonly T[], seed: number): T[] {
  const random = generator(seed);
  const out = [...items];
  for (let i = out.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    [out[i], out[j]] = [out[j] as T, out[i] as T];
  }
  return out;
}
