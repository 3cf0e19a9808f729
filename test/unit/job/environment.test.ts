import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { envFileProblems } from '../../../src/job/env-file.ts';
import { missingVariables, parseVariable, variableProblem } from '../../../src/job/environment.ts';
import { FtcError } from '../../../src/errors.ts';
import { fromFlags } from '../../../src/job/sources.ts';

describe('a variable', () => {
  it.each([
    ['LR', '0.05', null],
    ['_x9', '', null],
    ['HF_TOKEN', null, null],
    ['PYTHONPATH', '/lib', null],
    ['FTC_MASTER', 'x', /FTC_MASTER, which ftc itself sets/],
    ['RANK', '0', /RANK, which ftc itself sets/],
    ['MASTER_ADDR', null, /MASTER_ADDR, which ftc itself sets/],
    ['TORCHELASTIC_RUN_ID', 'x', /which ftc itself sets/],
    ['WORLD_SIZE', '3', /use the key "workers"/],
    ['OMP_NUM_THREADS', '3', /use the key "threads"/],
    ['PYTHONPATH', null, /give it a value/],
    ['9x', 'y', /"9x", which is no variable/],
    ['a-b', 'y', /no variable/],
    ['', 'y', /no variable/],
    ['constructor', 'y', null],
  ])('%s=%s', (name, value, problem) => {
    const found = variableProblem(name, value);
    if (problem === null) expect(found).toBeNull();
    else expect(found).toMatch(problem);
  });

  it('never shows its value in what is wrong with it', () => {
    fc.assert(
      fc.property(fc.string(), name => {
        expect(variableProblem(name, 'hunter2canary') ?? '').not.toContain('hunter2canary');
      }),
    );
  });

  it('has a value behind its first "="', () => {
    expect(['A=b=c', 'A=', 'A'].map(parseVariable)).toEqual([
      ['A', 'b=c'],
      ['A', ''],
      ['A', null],
    ]);
  });

  it('is missing where it is passed through and the shell has none, not even an empty one', () => {
    expect(missingVariables({ A: null, B: null, C: 'x', D: null }, { B: '', D: 'y' })).toEqual(['A']);
  });
});

describe('--env', () => {
  it('gives a value or passes the name through; the last one wins', () => {
    expect(fromFlags({ env: ['LR=1', 'HF_TOKEN', 'LR=2'] }, '/')).toEqual({
      environment: { LR: '2', HF_TOKEN: null },
    });
  });

  it('is named in an error, and its value is not', () => {
    const wrong = (): unknown => fromFlags({ env: ['RANK=hunter2canary'] }, '/');
    expect(wrong).toThrow(new FtcError('FTC_USAGE', '--env names RANK, which ftc itself sets'));
  });
});

describe('an envFile', () => {
  it.each([
    'A=b',
    'export A=b',
    'A = b',
    "A='a $b # c'",
    'A="a b" # said',
    '',
    '# A',
    'A=',
    '\uFEFFA=b',
    'A="a \\" b"',
    "A='a \\' b'",
    'A=a\\$b',
  ])('may say %s', line => {
    expect(envFileProblems(`${line}\r\n`)).toEqual([]);
  });

  it.each([
    ['hunter2canary', 'is no NAME=value'],
    ["A='hunter2canary", 'does not end on its line'],
    ['A="hunter2canary', 'does not end on its line'],
    ['A="hunter2canary" more', 'does not end on its line'],
    ['A=hunter2canary$x', 'put the value in single quotes'],
    ['A="hunter2canary$x"', 'put the value in single quotes'],
    ['FTC_MASTER=hunter2canary', 'which ftc itself sets'],
    ['"hunter2canary"=x', 'is no NAME=value'],
  ])('may not say %s, and the error has no value', (line, message) => {
    const [problem] = envFileProblems(`# first\n${line}\n`);
    expect(problem).toMatchObject({ line: 2, message: expect.stringContaining(message) as string });
    expect(problem?.message).not.toContain('hunter2canary');
  });
});
