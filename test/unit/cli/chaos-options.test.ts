import { describe, expect, it } from 'vitest';
import { faultNamed } from '../../../chaos/faults/index.ts';
import { type ChaosOptions, readOptions } from '../../../src/cli/chaos-options.ts';

const read = (name: string, options: ChaosOptions = {}, target?: string) =>
  readOptions(faultNamed(name), target, options);

describe('the flags of a fault', () => {
  it('mean one worker, once, where nothing is said', () => {
    expect(read('kill')).toMatchObject({
      wish: { target: 'worker', ranks: undefined },
      forMs: null,
      pace: { everyMs: null, times: 1, totalMs: null, minIntervalMs: 0, maxConcurrent: null },
      watchMs: 120_000,
      repeats: false,
    });
    expect(read('pause').forMs).toBe(10_000);
    expect(read('disk-full').wish.target).toBe('master');
    expect(read('kill', {}, 'all-workers').wish.target).toBe('all');
    expect(read('kill', { rank: '2,0' }).wish.ranks).toEqual([2, 0]);
    expect(read('kill', { percent: '50%' }).wish.percent).toBe(50);
  });

  it('say how long one lasts, or how long they go on', () => {
    expect(read('pause', { for: '3s' })).toMatchObject({ forMs: 3000, pace: { totalMs: null } });
    const again = read('pause', {
      every: '10s..30s',
      for: '5m',
      lasts: '500ms',
      minInterval: '1s',
      maxConcurrent: '2',
    });
    expect(again).toMatchObject({
      forMs: 500,
      repeats: true,
      pace: {
        everyMs: [10_000, 30_000],
        times: null,
        totalMs: 300_000,
        minIntervalMs: 1000,
        maxConcurrent: 2,
      },
    });
    expect(read('kill', { every: '5s', times: '3' }).pace).toMatchObject({ everyMs: [5000, 5000], times: 3 });
    expect(read('kill', { when: 'phase=regroup' }).when).toEqual({ phase: 'regroup' });
    expect(read('stop').forMs).toBeNull();
    expect(read('stop', { for: '8s' }).forMs).toBe(8000);
  });

  it.each<[string, ChaosOptions, string | undefined, string, string?]>([
    ['kill', { count: '3', maxConcurrent: '2' }, undefined, '--max-concurrent is 2, and 3 are hit at a time'],
    [
      'kill',
      {},
      'wroker',
      'there is no target "wroker"',
      'Did you mean "worker"? kill takes worker, standby',
    ],
    ['disk-full', {}, 'standby', 'disk-full means nothing for "standby"', 'disk-full takes master, worker'],
    ['kill', { rank: 'one' }, undefined, '--rank is "one"'],
    ['kill', { rank: '1' }, 'master', '--rank belongs to the target worker'],
    ['kill', { all: true, count: '2' }, undefined, '--all and --count exclude each other'],
    ['kill', { count: '0' }, undefined, '--count is "0" and must be a whole number from 1'],
    ['kill', { percent: '101' }, undefined, '--percent is "101"'],
    ['kill', { for: '3s' }, undefined, '--for belongs to a fault that lasts', '--every 10s --for 3s'],
    ['pause', { lasts: '3s' }, undefined, '--lasts belongs to --every'],
    ['pause', { for: 'long' }, undefined, '--for is "long" and must be a duration'],
    ['kill', { every: '30s..10s' }, undefined, '--every is "30s..10s"'],
    ['kill', { when: 'tomorrow' }, undefined, '--when is "tomorrow"'],
    ['loss', { share: '0%' }, undefined, '--share must be a share such as "5%"', 'ftc chaos loss'],
    [
      'kill',
      { signal: 'now!' },
      undefined,
      '--signal must be a signal such as SIGKILL, TERM or 9, not "now!"',
    ],
    ['partition', { from: 'nobody' }, undefined, '--from must be all, master, workers'],
    ['rate', { limit: '1 mb' }, undefined, '--limit must be a rate'],
  ])('of %s are refused: %j %s', (name, options, target, message, hint) => {
    const expected = { code: 'FTC_USAGE', message: expect.stringContaining(message) as string };
    const all =
      hint === undefined ? expected : { ...expected, hint: expect.stringContaining(hint) as string };
    expect(() => read(name, options, target)).toThrow(expect.objectContaining(all) as Error);
  });
});
