import { describe, expect, it } from 'vitest';
import { advance } from '../../../src/master/membership/advance.ts';
import { standing } from '../../../src/master/membership/said.ts';
import { createMembership } from '../../../src/master/membership/state.ts';
import { config } from './simulation.ts';

const stack = `Thread 0x01 (most recent call first):
  File "/opt/ftc/ftc/link.py", line 180 in _serve

Current thread 0x02 (most recent call first):
  File "/usr/lib/python3.13/threading.py", line 359 in wait
  File "/job/data/load.py", line 24 in read
  File "/job/train.py", line 40 in <module>`;

describe('where a worker stood', () => {
  it('is the innermost line of its own code in its main thread', () => {
    expect(standing(stack)).toBe('at load.py:24 in read');
    expect(standing(stack.replaceAll('/job/', '/usr/lib/python3/dist-packages/'))).toBe(
      'at threading.py:359 in wait',
    );
    expect(standing('Current thread 0x02 (most recent call first):\n  <no Python frame>')).toBe(
      'outside of Python',
    );
  });
});

describe('the event of it', () => {
  const m = createMembership(config);
  const died = (exitCode: number): void => {
    const fact = {
      id: 'w',
      container: 'job-worker-1',
      running: false,
      paused: false,
      exitCode,
      oomKilled: false,
    };
    const rest = { startedAt: 1, restarts: 0, startsAt: null, gaveUp: null };
    advance(m, { type: 'containers', workers: [{ ...fact, ...rest }] }, 0);
  };
  const event = (what: 'stack' | 'lines', text: string): unknown =>
    advance(m, { type: 'said', said: { type: 'said', worker: 'w', what, text } }, 0)[0];

  it('has a line for people, and all of it beside', () => {
    died(137);
    expect(event('stack', stack)).toMatchObject({
      entry: {
        level: 'warn',
        fact: { what: 'stack-read', name: 'job-worker-1', at: 'at load.py:24 in read' },
        detail: stack,
      },
    });
    expect(event('lines', 'step 1\nstep 2\n ')).toMatchObject({
      entry: {
        level: 'info',
        fact: { what: 'last-words', name: 'job-worker-1', line: 'step 2' },
        detail: 'step 1\nstep 2\n ',
      },
    });
    died(139);
    expect(event('lines', 'Fatal Python error')).toMatchObject({ entry: { level: 'warn', worker: 'w' } });
  });
});
