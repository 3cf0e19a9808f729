import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Fault, fault, type FaultRecord, type Hit } from '../../../chaos/faults/fault.ts';
import { pause } from '../../../chaos/faults/pause.ts';
import { heal } from '../../../chaos/heal.ts';
import type { Entry } from '../../../chaos/journal/entries.ts';
import { lockIn, readEntries } from '../../../chaos/journal/file.ts';
import { self } from '../../../chaos/journal/lock.ts';
import { Session } from '../../../chaos/session.ts';
import { FtcError } from '../../../src/errors.ts';
import type { Container } from '../../../src/runtime/docker/engine.ts';
import type { FaultHands, Helper, HelperSpec } from '../../../src/runtime/faults.ts';
import { FakeEngine } from '../../fakes/fake-engine.ts';
import { fakeWorld } from '../../fakes/fake-world.ts';

const PROJECT = 'job';
let folder: string;
let engine: FakeEngine;
let helpers: Helper[];
let worker: Container;
let other: Container;
let sessions: Session[];
/** What a fault of the test's own did, in order. */
let did: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ftctest-session-'));
  let clock = 0;
  engine = new FakeEngine(() => (clock += 10));
  worker = engine.add({ role: 'worker', project: PROJECT, state: 'running' });
  other = engine.add({ role: 'worker', project: PROJECT, state: 'running', number: 2 });
  [helpers, sessions, did] = [[], [], []];
});
afterEach(async () => {
  for (const session of sessions) await session.close();
  rmSync(folder, { recursive: true });
});

const world = () => fakeWorld(engine, PROJECT, helpers);
async function open(command = 'ftc chaos'): Promise<Session> {
  const session = await Session.open({ world: world(), project: PROJECT, folders: [folder], command });
  sessions.push(session);
  return session;
}
const hitOf = (container: Container): Hit => ({ container, role: container.role, rank: 0 });
const order = (what: Fault, hits: readonly Container[], forMs: number | null = 1e6) => ({
  fault: what,
  params: {},
  hits: hits.map(hitOf),
  job: [worker, other].map(hitOf),
  forMs,
  seed: 0,
});
const entries = (): Entry[] => readEntries(folder, PROJECT);
const kinds = (): string[] => entries().map(e => e.type);
const stateOf = async (c: Container) => (await engine.inspect(c.id))?.state;

/** Does nothing but say so. */
const spy = (more: Partial<Parameters<typeof fault>[0]> = {}): Fault =>
  fault({
    name: 'pause',
    summary: 'says what is done to it',
    targets: ['worker'],
    lasting: { usualMs: 1 },
    example: 'ftc chaos pause',
    params: z.strictObject({}),
    data: z.unknown(),
    prepare: (_, __, { container }) => {
      did.push(`look ${container.name}`);
      return Promise.resolve({
        data: { was: container.state },
        apply: () => {
          did.push(`apply ${container.name} after ${kinds().at(-1) ?? ''}`);
          return Promise.resolve();
        },
      });
    },
    revert: (_, { container }) => {
      did.push(`revert ${container.name}`);
      return Promise.resolve(null);
    },
    ...more,
  });

describe('a fault', () => {
  it('is told as it turned out, where that is known only when it has happened', async () => {
    const session = await open();
    const late = spy({
      lasting: 'no',
      tell: data => (data as { was: string }).was,
      prepare: () =>
        Promise.resolve({ data: { was: 'expected' }, apply: () => Promise.resolve({ was: 'found' }) }),
    });
    const done = await session.inflict({ ...order(late, [worker]), forMs: null });
    expect(done.hits.map(hit => done.detail(hit))).toEqual(['found']);
    expect(kinds()).toEqual(['begin', 'fault', 'applied', 'over']);
    expect(entries()[1]).toMatchObject({ record: { data: { was: 'expected' } } });
  });

  it('is written down, with what was found, before it happens, and when it is over', async () => {
    const session = await open();
    const done = await session.inflict(order(spy(), [worker]));
    await done.revert();
    expect(did).toEqual([`look ${worker.name}`, `apply ${worker.name} after fault`, `revert ${worker.name}`]);
    expect(kinds()).toEqual(['begin', 'fault', 'applied', 'over']);
    expect(entries()[1]).toMatchObject({
      record: {
        fault: 'pause',
        forMs: 1e6,
        data: { was: 'running' },
        container: {
          id: worker.id,
          hostname: worker.hostname,
          role: 'worker',
          rank: 0,
          startedAt: worker.startedAt,
        },
      },
    });
  });

  it('ends by itself in time, and all that are in force end with the command', async () => {
    const session = await open();
    const short = await session.inflict(order(pause, [worker], 1));
    await short.over;
    expect(await stateOf(worker)).toBe('running');
    await session.inflict(order(pause, [worker, other]));
    expect([await stateOf(worker), await stateOf(other)]).toEqual(['paused', 'paused']);
    await session.close();
    sessions = [];
    expect([await stateOf(worker), await stateOf(other)]).toEqual(['running', 'running']);
    expect(kinds().at(-1)).toBe('end');
  });

  it('that fails half-way is put right, and is no fault any more', async () => {
    const session = await open();
    const apply = () => Promise.reject(new FtcError('FTC_CANNOT', 'this kernel cannot'));
    const failing = spy({ prepare: () => Promise.resolve({ data: null, apply }) });
    await expect(session.inflict(order(failing, [worker]))).rejects.toThrow('this kernel cannot');
    expect(did).toEqual([`revert ${worker.name}`]);
    expect(kinds()).toEqual(['begin', 'fault', 'failed']);
  });

  it('hits who is left when somebody vanishes, and says who did', async () => {
    const session = await open();
    const vanishing = spy({
      prepare: (_, __, { container }) =>
        container.id === worker.id
          ? Promise.reject(new FtcError('FTC_NO_TARGET', 'the container is gone'))
          : Promise.resolve({ data: null, apply: () => Promise.resolve() }),
    });
    const done = await session.inflict(order(vanishing, [worker, other]));
    expect(done.hits.map(h => h.container.id)).toEqual([other.id]);
    expect(done.notes).toEqual([`${worker.name}: the container is gone`]);
    await expect(session.inflict(order(vanishing, [worker]))).rejects.toMatchObject({
      code: 'FTC_NO_TARGET',
    });
  });

  it('whose target is gone at its end is over, with a note', async () => {
    const session = await open();
    const done = await session.inflict(order(pause, [worker]));
    await engine.remove(worker.id);
    await done.revert();
    expect(done.notes).toEqual([`${worker.name}: the container is gone`]);
    expect(entries().at(-1)).toMatchObject({ type: 'over', note: 'the container is gone' });
  });

  it('that the engine does not let be undone stays in the journal, and is told', async () => {
    const session = await open();
    const stuck = spy({ revert: () => Promise.reject(new FtcError('FTC_ENGINE_FAILED', 'it will not')) });
    const done = await session.inflict(order(stuck, [worker]));
    await done.revert({ hurry: true });
    expect(done).toMatchObject({ leftOpen: true, notes: [`${worker.name}: not undone yet: it will not`] });
    expect(kinds()).toEqual(['begin', 'fault', 'applied']);
  });

  it('is undone as soon as the engine lets it', async () => {
    const session = await open();
    let refusals = 2;
    const paused = spy({
      revert: (_, { container }) => {
        did.push(`revert ${container.name}`);
        refusals -= 1;
        return refusals < 0
          ? Promise.resolve(null)
          : Promise.reject(new FtcError('FTC_NOT_RUNNING', 'paused'));
      },
    });
    const done = await session.inflict(order(paused, [worker]));
    await done.revert();
    expect(did.slice(-3)).toEqual(Array(3).fill(`revert ${worker.name}`));
    expect(done).toMatchObject({ leftOpen: false, isOver: true, notes: [] });
    expect(kinds().at(-1)).toBe('over');
  });

  it('is not done twice to one container at a time: the second would take for usual what the first has done', async () => {
    const session = await open();
    const first = await session.inflict(order(spy(), [worker]));
    await expect(session.inflict(order(spy(), [worker]))).rejects.toMatchObject({ code: 'FTC_NO_TARGET' });
    const both = await session.inflict(order(spy(), [worker, other]));
    expect(both.hits.map(h => h.container.id)).toEqual([other.id]);
    await session.inflict(order(spy({ name: 'hang' }), [worker]));
    await first.revert();
    expect((await session.inflict(order(spy(), [worker]))).hits).toHaveLength(1);
  });

  it('that hits one and fails with another has hit the one', async () => {
    const session = await open();
    const half = spy({
      prepare: (_, __, { container }) =>
        container.id === other.id
          ? Promise.reject(new FtcError('FTC_ENGINE_FAILED', 'it will not'))
          : Promise.resolve({ data: null, apply: () => Promise.resolve() }),
    });
    const done = await session.inflict(order(half, [worker, other]));
    expect(done.hits.map(h => h.container.id)).toEqual([worker.id]);
    expect(done.notes).toEqual([`${other.name}: it will not`]);
  });

  it('of a network hits the next run of its target, too, and no run twice', async () => {
    const session = await open();
    let applied = (): void => undefined;
    const twice = new Promise<void>(resolve => (applied = resolve));
    const network = spy({
      follows: true,
      prepare: () =>
        Promise.resolve({
          data: null,
          apply: () => {
            did.push('apply');
            if (did.length === 2) applied();
            return Promise.resolve();
          },
        }),
    });
    const done = await session.inflict(order(network, [worker]));
    engine.exit(worker.id, 137);
    await engine.start(worker.id);
    await engine.start(other.id);
    await twice;
    await done.revert();
    expect(did).toEqual(['apply', 'apply', `revert ${worker.name}`, `revert ${worker.name}`]);
  });
});

it('a network fault hits a run once, though its start is heard of later', async () => {
  const session = await open();
  const network = spy({ follows: true });
  await session.inflict(order(network, [other]));
  engine.exit(worker.id, 137);
  await engine.start(worker.id);
  const anew = (await engine.inspect(worker.id))!;
  await session.inflict(order(network, [anew]));
  await session.close();
  sessions = [];
  expect(did.filter(line => line.startsWith(`apply ${worker.name}`))).toHaveLength(1);
});

describe('another command', () => {
  it('is refused while one is at work, whatever it wants', async () => {
    await open('ftc chaos kill worker');
    await expect(open()).rejects.toMatchObject({ code: 'FTC_ALREADY_RUNNING' });
    const session = sessions[0];
    await session?.inflict(order(pause, [worker]));
    await expect(heal(world(), PROJECT, [folder])).rejects.toMatchObject({ code: 'FTC_ALREADY_RUNNING' });
    expect(await stateOf(worker)).toBe('paused');
  });

  /** As a command leaves it that is killed with SIGKILL. */
  async function leave(): Promise<FaultRecord> {
    const session = await open();
    const done = await session.inflict(order(pause, [worker]));
    const [record] = done.records;
    writeFileSync(lockIn(folder, PROJECT), JSON.stringify({ ...self('dead', 'ftc chaos'), began: '1' }));
    sessions = [];
    appendFileSync(join(folder, `.ftc/${PROJECT}.chaos.jsonl`), '{"type":"appl');
    return record!;
  }

  it('puts right first what one that was killed has left', async () => {
    const record = await leave();
    const healed: string[] = [];
    const session = await Session.open({
      world: world(),
      project: PROJECT,
      folders: [folder],
      command: 'ftc chaos',
      onHealed: all => healed.push(...all.map(h => h.id)),
    });
    sessions.push(session);
    expect([await stateOf(worker), healed]).toEqual(['running', [record.id]]);
  });

  it('finds it by the journal, or where that is gone by the label of the helper', async () => {
    const record = await leave();
    const first = await heal(world(), PROJECT, [join(folder, 'gone'), folder]);
    expect(first).toMatchObject([
      { id: record.id, fault: 'pause', container: worker.name, healed: true, note: null },
    ]);
    expect(await stateOf(worker)).toBe('running');
    expect(await heal(world(), PROJECT, [folder])).toEqual([]);

    await engine.pause(worker.id);
    const elsewhere = mkdtempSync(join(folder, 'elsewhere-'));
    helpers.push(
      { id: 'h', fault: record.id, record: JSON.stringify(record) },
      { id: 'i', fault: '', record: '{' },
    );
    expect(await heal(world(), PROJECT, [elsewhere])).toMatchObject([{ id: record.id, healed: true }]);
    expect([await stateOf(worker), helpers]).toEqual(['running', []]);
  });

  it('leaves in the journal what it could not put right', async () => {
    const record = await leave();
    const newer = { ...record, id: 'ffffff-1', fault: 'of-the-future' };
    appendFileSync(
      join(folder, `.ftc/${PROJECT}.chaos.jsonl`),
      `\n${JSON.stringify({ type: 'fault', record: newer })}\n`,
    );
    const healed = await heal(world(), PROJECT, [folder]);
    expect(healed.map(h => [h.fault, h.healed])).toEqual([
      ['of-the-future', false],
      ['pause', true],
    ]);
    expect((await heal(world(), PROJECT, [folder])).map(h => h.fault)).toEqual(['of-the-future']);
  });

  it('does nothing to another job, whatever a record says', async () => {
    const record = await leave();
    const stranger = engine.add({ role: 'worker', project: 'other', state: 'paused' });
    const planted = [
      { ...record, id: 'aaaaaa-1', container: { ...record.container, id: stranger.id, name: stranger.name } },
      { ...record, id: 'aaaaaa-2', project: 'other', container: { ...record.container, id: stranger.id } },
      { ...record, id: 'aaaaaa-3', container: { ...record.container, id: worker.name } },
      { ...record, id: 'aaaaaa-4', project: '../other' },
    ];
    const lines = planted.map(one => `\n${JSON.stringify({ type: 'fault', record: one })}`);
    appendFileSync(join(folder, `.ftc/${PROJECT}.chaos.jsonl`), `${lines.join('')}\n`);
    const healed = await heal(world(), PROJECT, [folder]);
    // What is no record at all is skipped.
    expect(healed.map(h => [h.id, h.healed])).toEqual([
      ['aaaaaa-2', false],
      ['aaaaaa-1', false],
      [record.id, true],
    ]);
    expect(healed[0]?.note).toContain('of the job "other", not of "job"');
    expect(healed[1]?.note).toContain(`names ${stranger.name}, a container of "other"`);
    expect(await stateOf(stranger)).toBe('paused');
  });

  it('mounts what the engine says, as whom it says, and takes no names that lead out', async () => {
    const record = await leave();
    const act = { act: 'damage', how: 'flip', step: null, part: null, keep: true, seed: 1 };
    const records = [
      { checkpoint: 'step-00000005', file: 'state.pt' },
      { checkpoint: '../rootonly', file: 'proof' },
      { checkpoint: 'step-00000005', file: '../proof' },
      { checkpoint: 'step-00000005', file: '/etc/passwd' },
      { checkpoint: 'step-00000005', file: 'a\0b' },
    ].map((more, n) => ({
      ...record,
      id: `bbbbbb-${n}`,
      fault: 'corrupt-checkpoint',
      data: { act: { ...act, job: 'tmp/evil', ...more }, source: '/', user: '0:0' },
    }));
    const lines = records.map(one => `\n${JSON.stringify({ type: 'fault', record: one })}`);
    appendFileSync(join(folder, `.ftc/${PROJECT}.chaos.jsonl`), `${lines.join('')}\n`);
    const spawned: HelperSpec[] = [];
    const faults: Partial<FaultHands> = {
      mount: () => Promise.resolve({ type: 'volume', source: 'job_checkpoints' }),
      user: () => Promise.resolve('10001:10001'),
      spawn(spec) {
        spawned.push(spec);
        return Promise.resolve({
          id: 'h',
          line: () => Promise.resolve('{"done":true}'),
          send: () => undefined,
          complaint: () => '',
          release: () => undefined,
        });
      },
    };
    const usual = world();
    const all = { ...usual, faults: { ...usual.faults, ...faults } };
    const healed = await heal(all, PROJECT, [folder]);
    expect(healed.map(h => [h.id, h.healed])).toEqual([
      ['bbbbbb-4', false],
      ['bbbbbb-3', false],
      ['bbbbbb-2', false],
      ['bbbbbb-1', false],
      ['bbbbbb-0', true],
      [record.id, true],
    ]);
    expect(healed[0]?.note).toContain('is not used');
    expect(spawned).toMatchObject([
      {
        user: '10001:10001',
        mounts: [{ type: 'volume', source: 'job_checkpoints', target: '/checkpoints' }],
      },
    ]);
    expect(JSON.parse(spawned[0]?.command[1] ?? '')).toMatchObject({ job: PROJECT, id: 'bbbbbb-0' });
  });
});
