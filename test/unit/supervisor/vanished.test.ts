import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Container, ContainerEvent } from '../../../src/runtime/docker/engine.ts';
import { changeOf } from '../../../src/runtime/docker/hands.ts';
import type { Change } from '../../../src/runtime/replica.ts';
import { hear, type Memory, missing, see } from '../../../src/supervisor/vanished.ts';

const container = (id: string, more: Partial<Container> = {}): Container =>
  ({
    id,
    name: `job-${id}`,
    role: 'worker',
    number: 1,
    state: 'running',
    startedAt: 0,
    finishedAt: null,
    ...more,
  }) as Container;
const event = (id: string, action: string, more: Partial<ContainerEvent> = {}): Change =>
  changeOf({ id, action, role: 'worker', at: 1000, exitCode: null, signal: null, ...more })!;

/** One worker that ran at 0, whose blueprint is known. */
function running(): Memory {
  const memory = see(new Map(), [container('a')], 0);
  const [entry] = memory.values();
  return new Map([['a', { ...entry!, blueprint: { name: 'job-a', body: {} } }]]);
}
/** Who is made anew when it is looked at again after a while. */
function made(
  memory: Memory,
  containers: readonly Container[] = [],
  mayMake = true,
  seenAt = 1500,
): string[] {
  const gone = see(memory, containers, seenAt);
  const first = missing(gone, () => mayMake, seenAt);
  expect(first.make).toEqual([]);
  const at = first.nextAt ?? seenAt + 10_000;
  const second = missing(see(first.memory, containers, at), () => mayMake, at);
  expect(missing(second.memory, () => mayMake, at + 60_000).make).toEqual([]);
  return second.make.map(r => r.container.id);
}

describe('a container that is there no more', () => {
  it('is made anew, once, when it was removed by force', () => {
    const died = hear(
      hear(running(), event('a', 'kill', { signal: '9' })),
      event('a', 'die', { exitCode: 137 }),
    );
    expect(made(died)).toEqual(['a']);
    expect(made(running())).toEqual(['a']);
  });

  it('stays away when it was asked to leave, whatever its exit code', () => {
    for (const exitCode of [0, 137, 143]) {
      const asked = hear(running(), event('a', 'kill', { signal: '15' }));
      expect(made(hear(asked, event('a', 'die', { exitCode })))).toEqual([]);
    }
    expect(made(hear(running(), event('a', 'die', { exitCode: 0 })))).toEqual([]);
  });

  it('stays away when it had been dead for a while', () => {
    const dead = see(running(), [container('a', { state: 'exited', finishedAt: 1000 })], 1100);
    expect(made(dead, [], true, 9000)).toEqual([]);
    expect(made(dead, [], true, 1200)).toEqual(['a']);
  });

  it('is made anew when it was dead and about to be started again', () => {
    const dead = [container('a', { state: 'exited', finishedAt: 1000 })];
    expect(
      made(
        see(running(), dead, 1100, () => true),
        [],
        true,
        9000,
      ),
    ).toEqual(['a']);
    const asked = hear(running(), event('a', 'kill', { signal: '15' }));
    expect(
      made(
        see(asked, dead, 1100, () => true),
        [],
        true,
        9000,
      ),
    ).toEqual([]);
  });

  it('stays away while the job does not go on, or somebody else has made it', () => {
    expect(made(running(), [], false)).toEqual([]);
    expect(made(running(), [container('b', { name: 'job-a' })])).toEqual([]);
    expect(made(running(), [container('b', { name: 'other', number: 1 })])).toEqual([]);
    expect(made(running(), [container('b', { number: 2 })])).toEqual(['a']);
  });

  it('is nobody’s business while it is there, or when it is the supervisor', () => {
    expect(made(running(), [container('a')])).toEqual([]);
    expect(see(new Map(), [container('s', { role: 'supervisor' })], 0).size).toBe(0);
  });

  it('is forgotten in the end, whatever happened', () => {
    const happening = fc.record({
      action: fc.constantFrom('kill', 'die', 'start'),
      signal: fc.constantFrom('9', '15', null),
      exitCode: fc.option(fc.constantFrom(0, 1, 137)),
      at: fc.nat({ max: 2000 }),
    });
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 6 }), fc.boolean(), (events, mayMake) => {
        let memory = running();
        for (const e of events) memory = hear(memory, event('a', e.action, e));
        const left = missing(see(memory, [], 2000), () => mayMake, 2000);
        expect(missing(see(left.memory, [], 5000), () => mayMake, 5000).memory.size).toBe(0);
      }),
    );
  });
});
