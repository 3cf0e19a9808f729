import { describe, expect, it } from 'vitest';
import { hearParts, isStopped, mending, seeParts, type Parts } from '../../../src/client/parts.ts';
import type { Container } from '../../../src/runtime/docker/engine.ts';
import type { Role } from '../../../src/shared/names.ts';

const part = (id: string, role: Role, number = 1, more: Partial<Container> = {}): Container =>
  ({
    id,
    role,
    number,
    name: `job-${role}-${number}`,
    state: 'running',
    startedAt: 1,
    exitCode: null,
    ...more,
  }) as Container;
const master = part('m', 'master');
const supervisor = part('s', 'supervisor');
const workers = [1, 2, 3].map(n => part(`w${n}`, 'worker', n));
const all = [master, supervisor, ...workers];
const dead = (c: Container, exitCode = 137, finishedAt = 1000): Container => ({
  ...c,
  state: 'exited',
  exitCode,
  finishedAt,
});

/** All were seen while they ran, and how they were made is known. */
const seen = (): Parts =>
  new Map(
    [...seeParts(new Map(), all, 0)].map(([id, p]) => [id, { ...p, blueprint: { name: id, body: {} } }]),
  );
const told = (parts: Parts, ...ids: string[]): Parts =>
  ids.reduce((now, id) => hearParts(now, { id, kind: 'asked', at: 0, exitCode: null }), parts);
const without = (...ids: string[]): Container[] => all.filter(({ id }) => !ids.includes(id));
const made = (parts: Parts, containers: Container[], now: number, wanted = 3): string[] | null => {
  const gone = seeParts(parts, containers, 1000);
  const mend = mending(seeParts(gone, containers, now), null, now, wanted);
  return mend === null
    ? null
    : [...mend.make.map(p => p.container.id), ...(mend.start ? [`start ${mend.start.id}`] : [])];
};

describe('a watched job', () => {
  it('is left alone while its supervisor runs: it mends the rest', () => {
    expect(made(seen(), all, 60_000)).toBeNull();
    expect(made(seen(), without('w2', 'm'), 10_000)).toBeNull();
  });

  it('gets what its supervisor overlooked, and no more workers than are wanted', () => {
    expect(made(seen(), without('w2', 'm'), 11_001)).toEqual(['m', 'w2']);
    expect(made(seen(), without('w2', 'w3'), 11_001, 2)).toEqual(['w2']);
    expect(made(seen(), without('w2'), 11_001, 2)).toBeNull();
    expect(made(told(seen(), 'w2'), without('w2'), 11_001)).toBeNull();
  });

  it('gets its supervisor started again at once, and what was removed meanwhile made first', () => {
    const containers = [...without('s', 'w2', 'm'), dead(supervisor)];
    expect(made(seen(), containers, 1001)).toEqual(['m', 'w2', 'start s']);
  });

  it('gets its supervisor made anew, after who else was removed', () => {
    expect(made(seen(), without('s', 'w2'), 2500)).toBeNull();
    expect(made(seen(), without('s', 'w2'), 3001)).toEqual(['w2', 's']);
  });

  it('does not get back who was scaled down', () => {
    expect(made(told(seen(), 'w3'), without('s', 'w3'), 3001)).toEqual(['s']);
  });

  it('is mended from its file where the supervisor was never seen', () => {
    const parts = seeParts(new Map(), without('s'), 0);
    expect(mending(parts, 0, 1000, 3)).toBeNull();
    expect(mending(parts, 0, 2001, 3)).toMatchObject({ fromFile: true, make: [] });
  });
});

describe('a job that somebody stops or removes', () => {
  it('is not brought back: the supervisor goes first, the workers a moment later', () => {
    const first = told(seen(), 's');
    const stopped = [...without('s'), dead(supervisor, 0)];
    expect(made(first, stopped, 5000)).toBeNull();
    const all = told(first, 'w1', 'w2', 'w3');
    expect(made(all, stopped, 60_000)).toBeNull();
    expect(made(all, without('s'), 60_000)).toBeNull();
    expect(made(told(first, 'm'), [master], 60_000)).toBeNull();
  });

  it('gets its supervisor back where nobody else was stopped', () => {
    expect(made(told(seen(), 's'), [...without('s'), dead(supervisor, 0)], 11_001)).toEqual(['start s']);
    expect(made(told(seen(), 's'), without('s'), 11_001)).toEqual(['s']);
  });

  it('counts as running again after a start', () => {
    const parts = seeParts(
      told(seen(), 'w1', 'w2', 'w3'),
      workers.map(w => ({ ...w, startedAt: 2 })),
      10,
    );
    expect([...parts.values()].some(p => p.asked && p.goneAt === null)).toBe(false);
  });

  it('is stopped when nothing runs or is about to', () => {
    expect(isStopped(all.map(c => dead(c)))).toBe(true);
    for (const state of ['running', 'paused', 'restarting', 'created'] as const)
      expect(isStopped([dead(master), { ...supervisor, state }])).toBe(false);
  });
});
