/**
 * What is to be done about the parts of a job that somebody watches. Pure. Inside the job the supervisor starts and makes anew what is
 * lost; nobody does that for the supervisor, nor for what was lost while it was away. Who was asked to stop is left alone for a
 * while: "docker compose stop" and "down" take the supervisor first, and the others a moment later.
 */
import type { Blueprint, Change, Replica } from '../runtime/replica.ts';

/** A container that was seen, also when it is gone. Times in milliseconds. */
interface Part {
  readonly container: Replica;
  readonly blueprint: Blueprint | null;
  /** It was told to end, by SIGTERM, and has not started since. */
  readonly asked: boolean;
  readonly goneAt: number | null;
}
/** By id. */
export type Parts = ReadonlyMap<string, Part>;

export interface Mending {
  /** To be made again as they were, before anything is started. */
  readonly make: readonly Part[];
  readonly start: Replica | null;
  /** The supervisor is gone and was never seen: only the project's file can tell how it was. */
  readonly fromFile: boolean;
}

/** Whoever replaces a container has its successor by then. */
const GRACE_MS = 2_000;
/** Whoever stops the whole job has told the others by then. */
const PATIENCE_MS = 10_000;

/** Takes in what the engine lists. */
export function seeParts(parts: Parts, containers: readonly Replica[], now: number): Parts {
  const next = new Map<string, Part>();
  for (const container of containers) {
    const old = parts.get(container.id);
    const asked = (old?.asked ?? false) && old?.container.startedAt === container.startedAt;
    next.set(container.id, { container, blueprint: old?.blueprint ?? null, asked, goneAt: null });
  }
  for (const [id, old] of parts) {
    const replaced = containers.some(c => isSame(c, old.container));
    if (!next.has(id) && !replaced) next.set(id, { ...old, goneAt: old.goneAt ?? now });
  }
  return next;
}

export function hearParts(parts: Parts, { id, kind, exitCode }: Change): Parts {
  const old = parts.get(id);
  const asked = kind === 'asked' || (kind === 'ended' && exitCode === 0);
  return old === undefined || !asked ? parts : new Map(parts).set(id, { ...old, asked: true });
}

/**
 * @param missingSince when the supervisor was first found to be missing, where it was never seen
 * @param wanted how many workers the master wants to hold ranks; null where it does not answer
 * @returns null where there is nothing to do
 */
export function mending(
  parts: Parts,
  missingSince: number | null,
  now: number,
  wanted: number | null,
): Mending | null {
  const all = [...parts.values()];
  const here = all.filter(({ goneAt }) => goneAt === null);
  if (here.length === 0 || isBeingStopped(here)) return null;
  const others = all.filter(p => p.goneAt !== null && !p.asked && p.container.role !== 'supervisor');
  const make = others.filter(p => p.blueprint !== null).sort(masterFirst);

  const supervisor = here.find(({ container }) => container.role === 'supervisor');
  if (supervisor !== undefined) {
    const { state, exitCode, finishedAt } = supervisor.container;
    if (state !== 'exited') return overlooked(make, here, now, wanted);
    const asked = supervisor.asked || exitCode === 0;
    if (asked && now - (finishedAt ?? now) < PATIENCE_MS) return null;
    return { make, start: supervisor.container, fromFile: false };
  }
  const lost = all.find(({ container }) => container.role === 'supervisor');
  const since = lost?.goneAt ?? missingSince ?? now;
  if (now - since < (lost?.asked === true ? PATIENCE_MS : GRACE_MS)) return null;
  return lost?.blueprint == null
    ? { make, start: null, fromFile: true }
    : { make: [...make, lost], start: null, fromFile: false };
}

/** What the supervisor never saw, because it was removed before it was back, it cannot make anew. */
function overlooked(
  lost: readonly Part[],
  here: readonly Part[],
  now: number,
  wanted: number | null,
): Mending | null {
  const old = lost.filter(({ goneAt }) => now - (goneAt ?? now) >= PATIENCE_MS);
  const roles = here.map(({ container }) => container.role);
  const present = roles.filter(role => role === 'worker').length;
  const masters = roles.includes('master') ? [] : old.filter(isMaster);
  const workers = old.filter(p => !isMaster(p)).slice(0, Math.max(0, (wanted ?? 0) - present));
  const make = [...masters, ...workers];
  return make.length === 0 ? null : { make, start: null, fromFile: false };
}

const isMaster = ({ container }: Part): boolean => container.role === 'master';

/** Nothing runs, and nothing will start it. */
export function isStopped(containers: readonly Replica[]): boolean {
  return !containers.some(c => ['running', 'paused', 'restarting', 'created'].includes(c.state));
}

/** The master, or all workers that are left, were asked to end. */
function isBeingStopped(here: readonly Part[]): boolean {
  const workers = here.filter(({ container }) => container.role === 'worker');
  const master = here.find(({ container }) => container.role === 'master');
  return master?.asked === true || (workers.length > 0 && workers.every(({ asked }) => asked));
}

const isSame = (a: Replica, b: Replica): boolean => a.role === b.role && a.number === b.number;

function masterFirst(a: Part, b: Part): number {
  return Number(isMaster(b)) - Number(isMaster(a));
}
