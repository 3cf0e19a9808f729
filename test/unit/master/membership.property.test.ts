import { hasEnded } from '../../../src/master/status.ts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { World } from './simulation.ts';

type Act =
  | {
      do: 'start' | 'ready' | 'die' | 'hang' | 'relink' | 'leave' | 'remove' | 'broken' | 'done' | 'late';
      who: number;
    }
  | { do: 'step' | 'report' | 'restart' }
  | { do: 'pass'; ms: number };

const ids = ['a', 'b', 'c', 'd', 'e'];
const who = fc.integer({ min: 0, max: ids.length - 1 });
const about = (
  name: 'start' | 'ready' | 'die' | 'hang' | 'relink' | 'leave' | 'remove' | 'broken' | 'done' | 'late',
) => fc.record({ do: fc.constant(name), who });

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 6, arbitrary: about('start') },
  { weight: 6, arbitrary: about('ready') },
  { weight: 3, arbitrary: about('die') },
  { weight: 1, arbitrary: about('hang') },
  { weight: 2, arbitrary: about('relink') },
  { weight: 1, arbitrary: about('leave') },
  { weight: 1, arbitrary: about('remove') },
  { weight: 1, arbitrary: about('broken') },
  { weight: 2, arbitrary: about('done') },
  { weight: 1, arbitrary: about('late') },
  { weight: 8, arbitrary: fc.constant<Act>({ do: 'step' }) },
  { weight: 2, arbitrary: fc.constant<Act>({ do: 'report' }) },
  { weight: 1, arbitrary: fc.constant<Act>({ do: 'restart' }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 8000 }) }),
  },
);

function perform(w: World, a: Act): void {
  if (a.do === 'pass') return w.pass(a.ms);
  if (a.do === 'step') return void w.step();
  if (a.do === 'report') return w.report();
  if (a.do === 'restart') return w.restartMaster();
  const id = ids[(a as { who: number }).who]!;
  const p = w.processes.get(id);
  switch (a.do) {
    case 'start':
      return w.start(id);
    case 'ready':
      return w.ready(id);
    case 'die':
      return w.die(id);
    case 'hang':
      if (p) p.beats = false;
      return;
    case 'relink':
      return p && !p.linked ? w.hello(id) : undefined;
    case 'leave':
      if (p) p.leaving = true;
      return;
    case 'remove':
      if (!p) w.containers.delete(id);
      return w.report();
    case 'broken':
      return p
        ? w.say(id, { type: 'broken', generation: w.m.current.generation, reason: 'reset' })
        : undefined;
    case 'done':
      return w.done(id);
    case 'late':
      return w.say(
        id,
        { type: 'committed', generation: 1, step: 1, fromStep: 0, at: w.now },
        'a process of long ago',
      );
  }
}

/** Nothing breaks any more: every container runs, is ready, is linked and beats. */
function calm(w: World): void {
  for (let round = 0; round < 6; round += 1) {
    for (const id of [...w.containers]) {
      const p = w.processes.get(id);
      if (p && !p.beats) w.die(id);
      if (hasEnded(w.m.state)) return;
      w.start(id);
      if (w.processes.get(id)?.linked === false) w.hello(id);
      w.ready(id);
    }
    w.report();
    w.pass(6000);
    while (w.m.current.members.length > 0 && w.m.bestStep < w.totalSteps + 1 && w.step());
    for (const id of ids) w.done(id);
  }
}

it('every history keeps the invariants, and ends when nothing breaks any more', () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 60 }), fc.integer({ min: 1, max: 2 }), (acts, minWorkers) => {
      const w = new World({ workers: 3, minWorkers }, 12);
      for (const id of ['a', 'b', 'c']) w.start(id);
      for (const a of acts) perform(w, a);
      calm(w);
      if (w.containers.size < minWorkers) return;
      expect(w.m.state).toBe('succeeded');
    }),
    { numRuns: 3000 },
  );
});

it('while one worker is left that holds the state, no committed step is lost', () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 60 }), acts => {
      const w = World.running({}, 1_000_000);
      for (const a of acts) {
        const holders = [...w.processes.values()].filter(p => p.holdsState && p.beats).length;
        if ((a.do === 'die' || a.do === 'hang' || a.do === 'leave') && holders <= 1) continue;
        perform(w, a);
      }
      for (const r of w.m.recoveries) expect(r.stepsLost ?? 0).toBe(0);
    }),
    { numRuns: 3000 },
  );
});
