/** Random faults, drawn by a seed: each kind as often, as hard and for as long as it may be. Pure. */
import type { Params, Target } from '../faults/fault.ts';
import { faultNamed, faults } from '../faults/index.ts';
import { generator } from '../random.ts';
import type { Deed, Entry, Random } from './method.ts';

type Draw = <T>(values: readonly T[]) => T;

interface Recipe {
  /** How often, beside the others. */
  readonly weight: number;
  readonly targets: readonly Target[];
  /** Between how many milliseconds it lasts; absent for what is over at once. */
  readonly lastsMs?: readonly [number, number];
  readonly params?: (draw: Draw, target: Target) => Params;
  /** Only where it is asked for: most jobs have nothing that it could be done to, or no way to go on from it as before. */
  readonly named?: boolean;
}

const everybody: readonly Target[] = ['worker', 'worker', 'worker', 'standby', 'master'];
const workers: readonly Target[] = ['worker', 'worker', 'standby'];

/** Bounded: a job that goes on is to be judged, not one that was buried. Those that stop everything come seldom. */
const recipes: Readonly<Record<string, Recipe>> = {
  kill: { weight: 4, targets: [...everybody, 'worker', 'supervisor', 'all'] },
  stop: { weight: 2, targets: everybody, lastsMs: [500, 3_000] },
  crash: {
    weight: 3,
    targets: everybody,
    params: draw => ({ signal: draw(['SEGV', 'ABRT', 'KILL', 'BUS']) }),
  },
  oom: { weight: 1, targets: ['worker'] },
  restart: { weight: 2, targets: everybody, params: draw => ({ grace: draw([0, 1, 10]) }) },
  remove: { weight: 2, targets: workers },
  pause: { weight: 3, targets: everybody, lastsMs: [300, 5_000] },
  hang: { weight: 2, targets: everybody, lastsMs: [500, 5_000] },
  slow: {
    weight: 2,
    targets: workers,
    lastsMs: [2_000, 5_000],
    params: draw => ({ cpus: draw([0.2, 0.35, 0.5]) }),
  },
  cpu: {
    weight: 1,
    targets: workers,
    lastsMs: [2_000, 5_000],
    params: draw => ({ processes: draw([1, 2]) }),
  },
  partition: {
    weight: 3,
    targets: ['worker', 'worker', 'standby', 'master'],
    lastsMs: [500, 6_000],
    params: (draw, target) => ({
      from: draw(target === 'master' ? ['all', 'workers'] : ['all', 'master', 'workers']),
      direction: draw(['both', 'both', 'to', 'from']),
    }),
  },
  delay: {
    weight: 2,
    targets: ['worker', 'worker', 'master'],
    lastsMs: [2_000, 5_000],
    params: draw => ({ time: draw(['5ms', '20ms', '60ms']), jitter: draw(['0ms', '5ms', '20ms']) }),
  },
  loss: {
    weight: 2,
    targets: ['worker', 'worker', 'master'],
    lastsMs: [2_000, 5_000],
    params: draw => ({ share: draw(['1%', '5%', '15%']) }),
  },
  rate: {
    weight: 1,
    targets: workers,
    lastsMs: [2_000, 5_000],
    params: draw => ({ limit: draw(['1mbit', '5mbit', '20mbit']) }),
  },
  duplicate: { weight: 1, targets: workers, lastsMs: [2_000, 5_000] },
  corrupt: {
    weight: 1,
    targets: workers,
    lastsMs: [2_000, 5_000],
    params: draw => ({ share: draw(['1%', '5%']) }),
  },
  'disk-slow': { weight: 1, targets: ['master'], lastsMs: [2_000, 5_000] },
  // Wants a volume of a size of its own.
  'disk-full': { weight: 1, targets: ['master'], lastsMs: [2_000, 5_000], named: true },
  // An element may become so large that the loss is no number any more.
  bitflip: {
    weight: 1,
    targets: ['worker'],
    params: draw => ({ kind: draw(['parameter', 'moment', 'buffer']) }),
    named: true,
  },
  'corrupt-checkpoint': {
    weight: 2,
    targets: ['master'],
    params: draw => ({ how: draw(['truncate', 'flip', 'delete']) }),
  },
};

/** What is drawn from where nobody says: all that is no danger to others, and not impossible everywhere. */
export const drawable: readonly string[] = faults
  .filter(f => f.consent === undefined && f.impossible === undefined)
  .map(f => f.name);

/**
 * In the order of their steps, spread over the way; the same seed draws the same. A kind that was named and is not among
 * `possible` is left out.
 */
export function draw(
  { random, kinds, after, before }: Random,
  possible: readonly string[],
  totalSteps: number,
  seed: number,
): Entry[] {
  const next = generator(seed);
  const one: Draw = values => {
    const value = values[Math.floor(next() * values.length)];
    if (value === undefined) throw new Error('there is nothing to draw from');
    return value;
  };
  const names = possible.filter(name =>
    kinds === null ? recipeOf(name).named !== true : kinds.includes(name),
  );
  const pool = names.flatMap(name => Array<string>(recipeOf(name).weight).fill(name));
  if (pool.length === 0) return [];
  const width = ((before - after) * totalSteps) / random;
  return Array.from({ length: random }, (_, k) => {
    const place = after * totalSteps + (k + next()) * width;
    const steps = Math.min(Math.max(1, Math.round(place)), Math.max(1, totalSteps - 1));
    return { timing: { at: { steps } }, deed: deed(one(pool), one, next), drawn: true };
  });
}

function deed(name: string, one: Draw, next: () => number): Deed {
  const recipe = recipeOf(name);
  const [least = null, most = null] = recipe.lastsMs ?? [];
  const target = one(recipe.targets);
  return {
    kind: 'fault',
    fault: name,
    target,
    rank: null,
    count: null,
    percent: null,
    params: recipe.params?.(one, target) ?? {},
    forMs: least === null || most === null ? null : Math.round((least + next() * (most - least)) / 100) * 100,
  };
}

/** A fault that nobody has written one for: once in a while, of the first that it is for, and not for long. */
function recipeOf(name: string): Recipe {
  const { targets, lasting } = faultNamed(name);
  const usual: Recipe = { weight: 1, targets: targets.slice(0, 1) };
  return recipes[name] ?? (typeof lasting === 'object' ? { ...usual, lastsMs: [1_000, 4_000] } : usual);
}
