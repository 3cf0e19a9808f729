import { describe, expect, it } from 'vitest';
import { gaps, pace, recovered, restarted, settled, stepTimes } from '../../../bench/analysis.ts';
import { parseCommit, type Commit } from '../../../bench/commit-log.ts';
import { Invalid } from '../../../bench/invalid.ts';

/** `worker step generation world at` */
function commits(text: string): Commit[] {
  return text
    .trim()
    .split('\n')
    .map(line => {
      const [worker = '', step, generation, world, at] = line.trim().split(' ');
      return {
        process: `${worker}-1`,
        worker,
        step: Number(step),
        generation: Number(generation),
        world: Number(world),
        at: Number(at),
        rank: 0,
      };
    });
}

const loss = { at: 100, victims: new Set(['c']), generation: 1, full: 3 };

describe('a recovery', () => {
  const told = commits(`
    a 5 1 3 95
    b 5 1 3 96
    c 6 1 3 104
    a 6 1 3 105
    b 6 1 3 106
    a 7 2 2 250
    b 7 2 2 252
    a 8 3 3 900
    c 8 3 3 901`);

  it('ends with the first step without the lost, not with one that was under way', () => {
    expect(recovered(told, loss)).toEqual({ resumedMs: 150, wholeMs: 800, lost: 0 });
  });
  it('is not over before all are there again', () => {
    expect(recovered(told.slice(0, 7), loss)).toBeNull();
  });
  it('with a standby is both at once', () => {
    const promoted = [...told.slice(0, 5), ...commits('d 7 2 3 240\na 7 2 3 241')];
    expect(recovered(promoted, loss)).toEqual({ resumedMs: 140, wholeMs: 140, lost: 0 });
  });
  it('counts steps that survivors make again', () => {
    const again = [...told.slice(0, 5), ...commits('a 5 2 3 250\nb 5 2 3 251')];
    expect(recovered(again, loss)?.lost).toBe(2);
  });
  it('does not count as lost what only the dead had committed: it is the step in flight', () => {
    const ahead = commits('a 5 1 3 95\nc 6 1 3 104\na 6 2 3 250');
    expect(recovered(ahead, loss)?.lost).toBe(0);
  });
  it('that leaves a step out is not valid', () => {
    const hole = [...told.slice(0, 5), ...commits('a 8 2 3 250')];
    expect(() => recovered(hole, loss)).toThrow(Invalid);
  });
});

describe('a restart of everything', () => {
  it('counts the steps since the checkpoint', () => {
    const told = [
      ...commits('a 130 0 3 95\nb 131 0 3 101'),
      { ...commits('a 101 1 3 70100')[0]!, process: 'a-2' },
    ];
    const found = restarted(told, new Set(['a-1', 'b-1']), { at: 100, full: 3 });
    expect(found).toEqual({ resumedMs: 70_000, wholeMs: 70_000, lost: 31 });
  });
});

describe('steps', () => {
  it('count once, when the first has committed them', () => {
    expect(stepTimes(commits('a 1 1 3 10\nb 1 1 3 11\nb 2 1 3 20\na 2 1 3 21'))).toEqual([10, 20]);
  });
  it('have gaps between them', () => {
    expect(gaps([10, 20, 45])).toEqual([10, 25]);
  });
  it('make a pace over the whole window, standing still included', () => {
    expect(pace(commits('a 1 1 3 100\na 2 1 3 200\na 3 1 3 5000'), 0, 1000)).toBe(2);
  });
});

describe('settled', () => {
  const latest = commits('a 9 4 3 99\nb 9 4 3 99\nc 3 2 3 20\nd 9 4 3 99');
  it('tells the generation in which all ranks commit', () => {
    expect(settled(latest, commits('a 9 4 3 99\nb 9 4 3 99\nd 9 4 3 99'), 3, 1)).toBe(4);
  });
  it('is not so while one is missing, or has only begun', () => {
    expect(settled(latest, commits('a 9 4 3 99\nb 9 4 3 99'), 3, 1)).toBeNull();
    expect(settled(latest, commits('a 9 4 3 99\nb 9 4 3 99\nd 9 4 3 99'), 3, 2)).toBeNull();
  });
});

describe('a line of the log', () => {
  it('is read', () => {
    expect(parseCommit('f00-123.log', '7 1 3 4 1700000000.250000')).toEqual({
      process: 'f00-123.log',
      worker: 'f00',
      step: 7,
      rank: 1,
      world: 3,
      generation: 4,
      at: 1_700_000_000_250,
    });
  });
  it('that is none is refused', () => {
    for (const line of ['', '1 2 3', '1 2 3 4 x', '1 2 3 4 5 6'])
      expect(() => parseCommit('f00-123.log', line)).toThrow(Invalid);
  });
});
