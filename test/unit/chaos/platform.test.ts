import { describe, expect, it } from 'vitest';
import { refusal as volumeRefusal } from '../../../chaos/faults/disk-full.ts';
import type { FaultRecord, Hit } from '../../../chaos/faults/fault.ts';
import { faultNamed, faults } from '../../../chaos/faults/index.ts';
import { peerNames } from '../../../chaos/faults/network.ts';
import { metaOf } from '../../../chaos/faults/params.ts';
import type { Entry } from '../../../chaos/journal/entries.ts';
import { endedEngine } from '../../../chaos/revive.ts';
import { type Abilities, whyNot } from '../../../chaos/probe.ts';
import { capabilities } from '../../../src/runtime/faults.ts';
import type { Container } from '../../../src/runtime/docker/engine.ts';
import type { Role } from '../../../src/shared/names.ts';
import { update } from '../../../src/runtime/docker/limits.ts';

const all = new Set(capabilities);
const able: Abilities = { filter: null, statistic: null, tbf: null, netem: null, delay: null };

describe('every fault', () => {
  it('says what it does, with an example that names it, and what its parameters mean', () => {
    for (const { name, summary, example, targets, params, impossible } of faults) {
      expect(summary).not.toBe('');
      expect(example).toContain(impossible === undefined ? `ftc chaos ${name}` : 'ftc chaos');
      expect(targets.length).toBeGreaterThan(0);
      for (const schema of Object.values(params.shape)) {
        const { help, value, usual } = metaOf(schema);
        expect([typeof help, typeof value]).toEqual(['string', 'string']);
        expect(params.partial().safeParse({}).success).toBe(true);
        if (usual !== undefined) expect(String(usual)).not.toBe('');
      }
    }
  });

  it('has a name, and parameters with names, that mean nothing else in a faults file', () => {
    const names = faults.map(f => f.name);
    const keys = faults.flatMap(f => Object.keys(f.params.shape));
    const taken = ['at', 'every', 'times', 'scale', 'rank', 'for'];
    expect(new Set(names).size).toBe(names.length);
    expect([...names, ...keys].filter(name => taken.includes(name))).toEqual([]);
    expect(keys.filter(key => names.includes(key))).toEqual([]);
  });

  it('is found by name, and a word that is near is named', () => {
    expect(faultNamed('pause').name).toBe('pause');
    expect(() => faultNamed('pasue')).toThrow(
      expect.objectContaining({ hint: 'Did you mean "pause"?' }) as Error,
    );
    expect(() => faultNamed('xyz')).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('kill') as string }) as Error,
    );
  });

  it('is refused where the kernel lacks what it needs, with the kernel’s word', () => {
    const poor = { ...able, netem: 'unknown kind', delay: 'unknown kind; no queue' };
    const not = (abilities: Abilities): string[] =>
      faults.filter(f => whyNot(f, abilities, all) !== null).map(f => f.name);
    expect(not(able)).toEqual(['clock']);
    expect(not(poor)).toEqual(['delay', 'duplicate', 'corrupt', 'clock']);
    expect(whyNot(faultNamed('corrupt'), poor, all)).toBe('this kernel has no netem (unknown kind)');
  });

  it('is refused where the runtime lacks what it asks for; killing is known to all', () => {
    const bare = faults.filter(f => whyNot(f, able, new Set()) === null).map(f => f.name);
    expect(bare).toEqual(['kill', 'stop']);
    expect(whyNot(faultNamed('oom'), able, new Set(['exec']))).toBe(
      'what the job runs on has no limit for faults',
    );
  });
});

it('an engine is started again only where the journal has it ended, and in the way that it ran', () => {
  const entry = (fault: string, data: object, id = fault): Entry => ({
    type: 'fault',
    record: { id, fault, data } as FaultRecord,
  });
  const second = { how: 'process', socket: '/srv/second.sock' };
  const ended = entry('engine', second);
  expect(endedEngine([])).toBeNull();
  expect(endedEngine([entry('pause', {}), ended])).toEqual(second);
  // How to start it is not for a file in the job's folder to say.
  expect(endedEngine([entry('engine', { ...second, args: ['--init-path=/tmp/x'] })])).toEqual(second);
  expect(endedEngine([entry('engine', { how: 'systemd' })])).toEqual({
    how: 'systemd',
    socket: '/run/docker.sock',
  });
  expect(endedEngine([ended, { type: 'over', id: 'engine', at: 1, note: null }])).toBeNull();
  expect(endedEngine([entry('engine', { how: 'by a newer version' })])).toBeNull();
});

it('a volume is filled only where it has a size of its own, and not for more than was allowed', () => {
  const small = { total: 64e6, free: 50e6, shared: false };
  expect(volumeRefusal(small, 1e9)).toBeNull();
  expect(volumeRefusal(small, 40e6)).toContain('more than the 40');
  expect(volumeRefusal({ ...small, shared: true }, 1e9)).toContain("engine's own disk");
});

it('a limit that was not there is put back as the largest there is, which the engine takes for none', () => {
  const most = 2 ** 63 - 4096;
  expect(update({ memory: 64e6 }, 1)).toEqual({ Memory: 64e6, MemorySwap: 64e6 });
  expect(update({ memory: 0, memorySwap: 0 }, 1)).toEqual({ Memory: most, MemorySwap: most });
  expect(update({ memory: 0, memorySwap: 0 }, 2)).toEqual({ Memory: most, MemorySwap: -1 });
  expect(update({ memory: 64e6, memorySwap: -1 }, 2)).toEqual({ Memory: 64e6, MemorySwap: -1 });
  expect(update({ cpuQuota: 20_000, cpuPeriod: 100_000 }, 1)).toEqual({
    CpuQuota: 20_000,
    CpuPeriod: 100_000,
  });
  expect(update({ nanoCpus: 0, cpuQuota: 0, cpuPeriod: 0 }, 1)).toEqual({ CpuQuota: -1 });
  expect(update({ nanoCpus: 2e9, cpuQuota: 0, cpuPeriod: 0 }, 1)).toEqual({ NanoCpus: 2e9 });
});

describe('whom a container is cut off from', () => {
  const hit = (role: Role, number: number, rank: number | null = null): Hit => ({
    container: { id: `${role}-${number}`, name: `job-${role}-${number}`, role } as Container,
    role,
    rank,
  });
  const [a, b, c, master] = [hit('worker', 1, 0), hit('worker', 2, 1), hit('worker', 3, 2), hit('master', 1)];
  const scene = (hits: readonly Hit[], job = [a, b, c, master]) => ({ project: 'job', hits, job, seed: 0 });

  it('is everybody, a service, those who are not hit, or ranks', () => {
    expect(peerNames('all', scene([a]), a)).toBeNull();
    expect(peerNames('master', scene([a]), a)).toEqual(['master']);
    expect(peerNames('workers', scene([a]), a)).toEqual(['worker']);
    expect(peerNames('others', scene([a, b]), a)).toEqual(['job-worker-3']);
    expect(peerNames('rank=0,2', scene([a]), a)).toEqual(['job-worker-3']);
  });

  it('is never itself: that would be no fault', () => {
    for (const [from, job, who] of [
      ['master', [a, master], master],
      ['workers', [a, master], a],
      ['rank=0', [a, b, master], a],
      ['others', [a, master], a],
    ] as const)
      expect(() => peerNames(from, scene([who], [...job]), who)).toThrow('nobody that');
  });
});
