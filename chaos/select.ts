/** Which containers a fault hits. Pure: the same candidates, wishes and seed choose the same targets. */
import type { Container } from '../src/docker/engine.ts';
import { FtcError } from '../src/errors.ts';
import { generator } from './random.ts';

/** A worker container that runs, with the rank that it holds; null for a standby or a worker that is starting. */
export interface Candidate {
  readonly container: Container;
  readonly rank: number | null;
}

export interface Wish {
  readonly rank?: number | undefined;
  /** A container's name, or the beginning of its id. */
  readonly container?: string | undefined;
  readonly all?: boolean | undefined;
  /** How many, chosen at random. */
  readonly count?: number | undefined;
  readonly seed: number;
}

/** @throws FtcError FTC_NO_TARGET that names what there is */
export function select(candidates: readonly Candidate[], wish: Wish): Candidate[] {
  if (candidates.length === 0) {
    throw new FtcError('FTC_NO_TARGET', 'no worker is running', {
      hint: '"ftc ps" shows the containers; one that died is started again within seconds.',
    });
  }
  const there = `There are: ${candidates.map(describe).join(', ')}.`;
  if (wish.container !== undefined) {
    const name = wish.container;
    const found = candidates.filter(({ container: c }) => c.name === name || c.id.startsWith(name));
    if (found.length === 1) return found;
    const what = found.length === 0 ? 'no running worker is' : `${found.length} workers are`;
    throw new FtcError('FTC_NO_TARGET', `${what} called "${name}"`, { hint: there });
  }
  if (wish.rank !== undefined) {
    const found = candidates.find(c => c.rank === wish.rank);
    if (found) return [found];
    throw new FtcError('FTC_NO_TARGET', `no running worker holds rank ${wish.rank}`, { hint: there });
  }
  if (wish.all) return [...candidates];
  const count = wish.count ?? 1;
  if (count > candidates.length) {
    throw new FtcError('FTC_NO_TARGET', `${count} workers were asked for and ${candidates.length} run`, {
      hint: there,
    });
  }
  return shuffle(candidates, wish.seed).slice(0, count);
}

const describe = ({ container, rank }: Candidate): string =>
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
