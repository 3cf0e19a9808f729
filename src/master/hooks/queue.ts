/**
 * What waits to be sent to the URLs of a job's hooks, and when it is. Each URL hears of each thing by itself: one that does not answer
 * holds up no other. Recoveries in quick succession go out together. Pure.
 */
import { type Backoff, waitFor } from '../s3/backoff.ts';
import { type Payload, together } from '../../api/hook-payload.ts';

/** Between two messages about recoveries to one URL, milliseconds. */
export const RECOVERY_GAP_MS = 5000;
export const MOST_TRIES = 5;
/** Waits of some 1, 4, 16 and 64 s between the tries: {@link waitFor} doubles, and every second doubling counts. */
const BACKOFF: Backoff = { initialMs: 1000, maxMs: 64_000 };
/** What waits beyond this is not kept: no job gets near. */
const MOST_ITEMS = 64;

export interface Item {
  readonly payload: Payload;
  /** Which of the hook's URLs. */
  readonly to: number;
  readonly tries: number;
  readonly sending: boolean;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
}

export interface Queue {
  readonly items: readonly Item[];
  /** When recoveries were last sent to each URL. */
  readonly recoveryAt: Readonly<Record<number, number>>;
}

export const emptyQueue: Queue = { items: [], recoveryAt: {} };

/** What a try comes to: `later` may get better, `never` does not. */
export type Outcome = 'delivered' | 'later' | 'never';

const isSame = (a: Item, b: Item): boolean => a.payload.id === b.payload.id && a.to === b.to;
const isRecovery = ({ payload }: Item): boolean => payload.hook === 'onRecovery';
const isFresh = (item: Item): boolean => item.tries === 0 && !item.sending;

/** @param urls how many URLs hear of it */
export function add(queue: Queue, payload: Payload, urls: number, now: number): Queue {
  let items = [...queue.items];
  for (let to = 0; to < urls; to += 1) {
    const item = { payload, to, tries: 0, sending: false, notBefore: now };
    const at = items.findIndex(i => isRecovery(item) && isRecovery(i) && i.to === to && isFresh(i));
    const waiting = items[at];
    if (waiting === undefined) {
      const last = isRecovery(item) ? queue.recoveryAt[to] : undefined;
      items.push({ ...item, notBefore: Math.max(now, (last ?? -Infinity) + RECOVERY_GAP_MS) });
    } else items[at] = { ...waiting, payload: together(waiting.payload, payload) };
  }
  // Nothing comes after the end: what was held back for it goes out.
  if (payload.hook !== 'onRecovery')
    items = items.map(i =>
      isRecovery(i) && isFresh(i) ? { ...i, notBefore: Math.min(i.notBefore, now) } : i,
    );
  return { ...queue, items: items.slice(-MOST_ITEMS) };
}

/** What a master that comes back finds unsent. It counts as tried: somebody may have it already, so nothing is added to it. */
export const restored = (left: readonly Pick<Item, 'payload' | 'to'>[], now: number): Queue => ({
  ...emptyQueue,
  items: left
    .slice(-MOST_ITEMS)
    .map(({ payload, to }) => ({ payload, to, tries: 1, sending: false, notBefore: now })),
});

/** What is to be sent now, marked so; and when to look again, null where nothing waits for the time. */
export function due(
  queue: Queue,
  now: number,
): { readonly queue: Queue; readonly start: readonly Item[]; readonly wakeAt: number | null } {
  const open = queue.items.filter((item, i) => !item.sending && !isBehind(item, queue.items.slice(0, i)));
  const start = open.filter(({ notBefore }) => notBefore <= now).map(item => ({ ...item, sending: true }));
  const later = open.filter(({ notBefore }) => notBefore > now).map(({ notBefore }) => notBefore);
  const sent = start.filter(isRecovery).map(({ to }) => [to, now] as const);
  return {
    queue: {
      items: queue.items.map(item => start.find(one => isSame(one, item)) ?? item),
      recoveryAt: { ...queue.recoveryAt, ...Object.fromEntries(sent) },
    },
    start,
    wakeAt: later.length === 0 ? null : Math.min(...later),
  };
}

/** A recovery waits for the one before it, which may be tried again and again meanwhile: only one piles up behind it. */
function isBehind(item: Item, before: readonly Item[]): boolean {
  return isRecovery(item) && before.some(other => isRecovery(other) && other.to === item.to);
}

/**
 * After a try.
 * @param random 0 to 1
 * @returns `lost` where it is given up
 */
export function tried(
  queue: Queue,
  item: Item,
  outcome: Outcome,
  now: number,
  random: number,
): { readonly queue: Queue; readonly lost: boolean } {
  const tries = item.tries + 1;
  const lost = outcome === 'never' || (outcome === 'later' && tries >= MOST_TRIES);
  if (outcome === 'delivered' || lost)
    return { queue: { ...queue, items: queue.items.filter(other => !isSame(other, item)) }, lost };
  const notBefore = now + waitFor(BACKOFF, 2 * tries - 1, random);
  const again = { ...item, tries, sending: false, notBefore };
  return {
    queue: { ...queue, items: queue.items.map(other => (isSame(other, item) ? again : other)) },
    lost,
  };
}

/** Everything at once: this process is about to end. */
export const hurried = (queue: Queue): Queue => ({
  ...queue,
  items: queue.items.map(item => ({ ...item, notBefore: 0 })),
});
