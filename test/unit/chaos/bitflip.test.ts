import { describe, expect, it } from 'vitest';
import { bitflip } from '../../../chaos/faults/bitflip.ts';
import type { Draft, FaultRecord, World } from '../../../chaos/faults/fault.ts';
import type { HelperSpec } from '../../../src/runtime/faults.ts';
import { FakeEngine } from '../../fakes/fake-engine.ts';
import { fakeWorld } from '../../fakes/fake-world.ts';
import { hit } from '../verify/made.ts';

const seen = {
  tensor: 'model.0.weight',
  kind: 'parameter',
  dtype: 'float32',
  shape: [4, 8],
  index: 11,
  position: [1, 3],
  bit: 20,
  old: '1',
  new: '1.125',
};
const draft = { id: 'ab12cd-1', project: 'job', fault: 'bitflip', forMs: null } as Draft;

/** A helper that says these lines. */
function world(...lines: object[]) {
  const spawned: HelperSpec[] = [];
  const heard: string[] = [];
  const base = fakeWorld(new FakeEngine(), 'job');
  const of: World = {
    ...base,
    faults: {
      ...base.faults,
      dismiss: () => Promise.resolve(true),
      spawn(spec) {
        spawned.push(spec);
        const said = lines.map(line => JSON.stringify(line));
        return Promise.resolve({
          id: 'helper',
          line: () => Promise.resolve(said.shift() ?? null),
          send: line => void heard.push(line),
          complaint: () => '',
          release: () => undefined,
        });
      },
    },
  };
  return { of, spawned, heard };
}

const scene = { project: 'job', hits: [], job: [], seed: 7 };

describe('a flipped bit', () => {
  it('is flipped by a helper that sees the processes of its target, and has two capabilities', async () => {
    const { of, spawned, heard } = world({ before: seen }, { ready: { ...seen, old: '2', new: '2.25' } });
    const params = { tensor: 'model.*', bit: '20', kind: 'parameter' };
    const prepared = await bitflip.prepare(of, scene, hit('a', 1), params, draft);
    expect(spawned).toMatchObject([
      { network: null, processes: 'a', capabilities: ['SYS_PTRACE', 'SETUID'], mounts: [] },
    ]);
    const told = JSON.parse(spawned[0]?.command[1] ?? '') as object;
    expect(told).toMatchObject({
      act: 'bitflip',
      tensor: 'model.*',
      bit: 20,
      kind: 'parameter',
      seconds: null,
    });
    expect(heard).toEqual([]);
    expect(prepared.data).toEqual(seen);
    // Training has gone on between the look and the flip.
    const data = await prepared.apply({ ...draft, data: prepared.data });
    expect(JSON.parse(heard[0] ?? '')).toEqual(seen);
    expect(bitflip.detail({ data } as FaultRecord)).toBe('model.0.weight[1, 3], bit 20: 2 became 2.25');
  });

  it('is another one in each of several workers, and the same one for the same seed', async () => {
    const seedOf = async (id: string, rank: number | null, seed = 7): Promise<unknown> => {
      const { of, spawned } = world({ before: seen });
      await bitflip.prepare(of, { ...scene, seed }, hit(id, rank), {}, draft);
      return (JSON.parse(spawned[0]?.command[1] ?? '') as { seed: unknown }).seed;
    };
    expect(await seedOf('a', 1)).toBe(await seedOf('b', 1));
    const others = [
      await seedOf('a', 1),
      await seedOf('a', 2),
      await seedOf('a', null),
      await seedOf('a', 1, 8),
    ];
    expect(new Set(others).size).toBe(4);
  });

  it('says why a worker is no target', async () => {
    const { of } = world({ absent: 'the worker does not tell where its tensors lie' });
    await expect(bitflip.prepare(of, scene, hit('a', 1), {}, draft)).rejects.toMatchObject({
      code: 'FTC_NO_TARGET',
      message: 'bitflip: the worker does not tell where its tensors lie',
    });
  });

  it('is nothing that anybody undoes', async () => {
    const record = { ...draft, data: seen } as unknown as FaultRecord;
    expect(await bitflip.revert(fakeWorld(new FakeEngine(), 'job'), record)).toContain('stays flipped');
  });

  it.each([
    [{ bit: 'x' }, 'must be a whole number from 0 to 127'],
    [{ bit: 128 }, 'must be a whole number from 0 to 127'],
    [{ kind: 'weight' }, 'must be one of any, parameter, moment, buffer'],
    [{ tensor: 'a b' }, 'must be a tensor\'s name, or a pattern such as "model.*"'],
  ])('takes no %j', (params, message) => {
    expect(bitflip.params.safeParse(params).error?.issues[0]?.message).toBe(message);
  });

  it('takes a bit as a number, as a scenario has it, and as text, as a command line has it', () => {
    expect(bitflip.params.parse({ bit: 3 })).toEqual({ bit: 3, kind: 'any' });
    expect(bitflip.params.parse({ bit: '3', kind: 'moment' })).toEqual({ bit: 3, kind: 'moment' });
  });
});
