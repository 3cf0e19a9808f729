import { describe, expect, it } from 'vitest';
import { faults } from '../../../chaos/faults/index.ts';
import { parseFaults, readFaultsFile } from '../../../chaos/faults-file.ts';
import { describeAct, describeTiming } from '../../../chaos/plan.ts';
import type { FtcError } from '../../../src/errors.ts';

const problems = (text: string): string[] => {
  try {
    parseFaults(text, 'faults.yaml');
  } catch (error) {
    expect(error).toMatchObject({ code: 'FTC_FAULTS_FILE', exitCode: 2 });
    return (error as FtcError).message.split('\n');
  }
  throw new Error('nothing was found wrong');
};

const usable = faults.filter(f => f.consent === undefined && f.impossible === undefined).map(f => f.name);

describe('a faults file', () => {
  it('says what is to be broken, and when', () => {
    const plan = parseFaults(
      `
# a comment
- { at: step 40, kill: worker }
- { every: 3s, kill: worker, rank: 1 }
- { every: 50 steps, times: 2, kill: standby }
- { at: 10s, pause: worker, for: 2s }
- { at: 1.5, pause: master, for: 500ms }
- { at: step 100, kill: master }
- { at: step 110, stop: worker }
- { at: step 120, scale: 5 }
- at: step 150
  kill: all
`,
      'faults.yaml',
    );
    expect(plan.map(({ act, timing }) => `${describeAct(act)} ${describeTiming(timing)}`)).toEqual([
      'kill a worker at step 40',
      'kill rank 1 every 3.00 s',
      'kill a standby every 50 steps',
      'pause a worker for 2.00 s at 10 s',
      'pause the master for 500 ms at 1.50 s',
      'kill the master at step 100',
      'stop a worker at step 110',
      'scale to 5 workers at step 120',
      'kill all workers at step 150',
    ]);
    expect(plan[2]?.timing).toEqual({ every: { steps: 50 }, times: 2 });
  });

  it.each([
    ['- { at: step 4, kil: worker }', ['1:17: kil is no key of a fault; did you mean "kill"?']],
    [
      '- { at: step 4, kill: worker }\n- kill: wroker\n  at: soon',
      [
        '2:9: kill must be one of worker, standby, master, supervisor, all, not "wroker"',
        '3:7: at must be "step 40", or a duration such as "10s", not "soon"',
      ],
    ],
    ['- { kill: worker }', ['1:3: a fault needs one of at and every']],
    ['- { at: 1s, every: 1s, kill: all }', ['1:20: every and at exclude each other']],
    ['- { at: 1s }', [`1:3: a fault needs a fault (${usable.join(', ')}) or scale`]],
    ['- { at: 1s, kill: worker, scale: 2 }', ['1:34: scale and kill exclude each other: write two faults']],
    [
      '- { at: 1s, kill: worker, signal: now! }',
      ['1:35: signal must be a signal such as SIGKILL, TERM or 9, not "now!"'],
    ],
    ['- { at: 1s, stop: worker, signal: TERM }', ['1:35: signal is no parameter of stop']],
    [
      '- { at: 1s, stop: engine }',
      ['1:19: stop must be one of worker, standby, master, supervisor, all, not "engine"'],
    ],
    [
      '- { at: 1s, pause: worker, for: 0 }',
      ['1:33: for must be a duration such as "500ms" or "2s", more than none, not 0'],
    ],
    ['- { at: 1s, kill: worker, for: 2s }', ['1:32: for belongs to a fault that lasts, such as pause']],
    ['- { at: 1s, kill: master, rank: 0 }', ['1:33: rank belongs to a fault of one worker']],
    ['- { at: 1s, kill: worker, times: 3 }', ['1:34: times belongs to every']],
    ['- { every: 0s, kill: worker }', ['1:12: every must be more than none, not "0s"']],
    ['- { at: 1s, scale: 0 }', ['1:20: scale must be a whole number from 1 to 1000, not 0']],
    ['- kill', ['1:3: a fault must be a group of keys, not "kill"']],
    [
      'kill: worker',
      [
        '1:1: a faults file must be a list of faults, such as "- { at: step 40, kill: worker }", not a group of keys',
      ],
    ],
    [
      '',
      [
        '1:1: a faults file must be a list of faults, such as "- { at: step 40, kill: worker }", not a group of keys',
      ],
    ],
    ['[]', ['1:1: a faults file must be a list with at least one fault, not a list']],
    [
      '- { at: 1s, kill: !!set worker }',
      ['1:19: the tag !!set means nothing in a faults file; write the plain value'],
    ],
    ['- { at: 1s, at: 2s }', ['1:13: at is given twice in the same group']],
  ])('says where %j is wrong', (text, expected) => {
    expect(problems(text)).toEqual(expected.map(line => `faults.yaml:${line}`));
  });

  it('that is not there is named', () => {
    expect(() => readFaultsFile('none.yaml', '/')).toThrow(
      'cannot read the faults file none.yaml: there is no such file',
    );
  });
});
