import { expect, it } from 'vitest';
import { Pace } from '../../../src/master/pace.ts';
import { statusOf } from '../../../src/master/status-view.ts';
import { World } from './simulation.ts';

const reason = (w: World): string | null =>
  statusOf(w.m, new Pace(), { job: 'j', project: 'j', launcher: 'ftc' }, w.now).reason;

const held = (): World => {
  const w = new World();
  w.take({ type: 'hold', reason: 'restoring step 100 from S3 (1.0 of 2.0 MB)' });
  for (const id of ['a', 'b', 'c']) w.start(id);
  for (const id of ['a', 'b', 'c']) w.ready(id);
  return w;
};

it('keeps ready workers waiting, for as long as it takes, and says for what', () => {
  const w = held();
  w.pass(600_000);
  expect([w.m.state, w.ranks]).toEqual(['waiting', []]);
  expect(reason(w)).toBe('restoring step 100 from S3 (1.0 of 2.0 MB)');
});

it('is over at once when the state is there', () => {
  const w = held();
  w.take({ type: 'hold', reason: null });
  expect([w.m.state, w.ranks]).toEqual(['running', ['a', 'b', 'c']]);
});

it('does not concern a job that holds its state', () => {
  const w = World.running();
  w.take({ type: 'hold', reason: 'restoring' });
  w.die('a');
  expect([w.m.state, w.ranks]).toEqual(['running', ['b', 'c']]);
});

it('can end in a job that cannot go on', () => {
  const w = held();
  w.take({ type: 'abandon', reason: 'no checkpoint verifies' });
  expect([w.m.state, w.m.reason]).toEqual(['failed', 'no checkpoint verifies']);
  w.take({ type: 'abandon', reason: 'again' });
  expect(w.m.reason).toBe('no checkpoint verifies');
});
