/**
 * A worker that cannot start because a file that was hidden from it is gone is made anew without what hid it; a master, without the URLs
 * of hooks that somebody removed.
 */
import type { Uncovered } from '../hands.ts';
import type { Engine } from './engine.ts';
import { withoutMask } from './masks.ts';

/**
 * @param error with which its start failed
 * @returns null where that had another cause, and nothing was done
 */
export async function uncover(engine: Engine, id: string, error: unknown): Promise<Uncovered | null> {
  const old = await engine.blueprint(id);
  const made = old && withoutMask(old, texts(error));
  if (!made) return null;
  await engine.remove(id);
  return { id: await engine.create(made.blueprint), without: made.without };
}

/** Its own and those of what caused it. */
function texts(error: unknown): string {
  return error instanceof Error ? `${error.message}\n${texts(error.cause)}` : '';
}
