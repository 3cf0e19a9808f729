/**
 * Containers that were removed while they ran, and are to be made anew. Pure. Who was asked to leave and was then removed was
 * scaled down; who had ended before, and was given up, was cleared away; who merely vanished is still wanted.
 */
import type { Blueprint, Change, Replica } from '../runtime/replica.ts';

/** What is remembered of a container, also when it is gone. Times in milliseconds. */
export interface Remembered {
  readonly container: Replica;
  readonly blueprint: Blueprint | null;
  /** It was told to end, by SIGTERM. */
  readonly asked: boolean;
  readonly diedAt: number | null;
  /** It was dead, and about to be started again. */
  readonly due: boolean;
  readonly goneAt: number | null;
}
export type Memory = ReadonlyMap<string, Remembered>;

/** Whoever removes several, the supervisor among them, is done by then; and whoever makes one anew has begun. */
const GRACE_MS = 2_000;
/** One that is removed by force dies of it. One that died sooner was dead. */
const FORCED_MS = 3_000;

/**
 * Takes in what the engine lists. The supervisor is nobody's to make anew.
 * @param isDue is it to be started again? "docker system prune" takes what happens to be dead at that moment.
 */
export function see(
  memory: Memory,
  containers: readonly Replica[],
  now: number,
  isDue: (id: string) => boolean = () => false,
): Memory {
  const next = new Map<string, Remembered>();
  for (const container of containers) {
    if (container.role === 'supervisor') continue;
    const old = memory.get(container.id);
    const sameRun = old !== undefined && old.container.startedAt === container.startedAt;
    const runs = container.state === 'running' || container.state === 'paused';
    next.set(container.id, {
      container,
      blueprint: old?.blueprint ?? null,
      asked: sameRun && old.asked,
      diedAt: runs ? null : ((sameRun ? old.diedAt : null) ?? container.finishedAt ?? now),
      due: !runs && isDue(container.id),
      goneAt: null,
    });
  }
  for (const [id, old] of memory) if (!next.has(id)) next.set(id, { ...old, goneAt: old.goneAt ?? now });
  return next;
}

/** Takes in a change, which may tell what no list has shown. */
export function hear(memory: Memory, { id, kind, at, exitCode }: Change): Memory {
  const old = memory.get(id);
  if (!old) return memory;
  if (kind === 'asked') return new Map(memory).set(id, { ...old, asked: true });
  if (kind !== 'ended') return memory;
  return new Map(memory).set(id, { ...old, diedAt: at, asked: old.asked || exitCode === 0 });
}

export interface Makings {
  readonly memory: Memory;
  readonly make: readonly Remembered[];
  /** When to look again; null when nobody is missing. */
  readonly nextAt: number | null;
}

/** Who is to be made anew now. Those of whom nothing more is to be expected are forgotten. */
export function missing(memory: Memory, mayMake: (container: Replica) => boolean, now: number): Makings {
  const next = new Map(memory);
  const here = [...memory.values()].filter(r => r.goneAt === null).map(r => r.container);
  const make: Remembered[] = [];
  let nextAt: number | null = null;
  for (const [id, r] of memory) {
    if (r.goneAt === null) continue;
    const due = r.goneAt + GRACE_MS;
    if (!isWanted(r) || here.some(c => isSame(c, r.container)) || (due <= now && !mayMake(r.container))) {
      next.delete(id);
    } else if (due > now) nextAt = Math.min(nextAt ?? Infinity, due);
    else {
      next.delete(id);
      make.push(r);
    }
  }
  return { memory: next, make, nextAt };
}

function isWanted({ blueprint, asked, diedAt, due, goneAt }: Remembered): boolean {
  if (blueprint === null || asked) return false;
  return due || diedAt === null || (goneAt ?? 0) - diedAt < FORCED_MS;
}

/** Somebody has made it already. */
const isSame = (a: Replica, b: Replica): boolean =>
  a.name === b.name || (a.role === b.role && a.number === b.number);
