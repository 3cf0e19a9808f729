import { describe, expect, it } from 'vitest';
import { parseVolume, targetProblem } from '../../../src/job/volumes.ts';
import { requirementsProblems } from '../../../src/job/requirements.ts';

describe('a volume', () => {
  it.each([
    ['./a:/b', { source: './a', target: '/b', writable: false }],
    ['a:/b/:ro', { source: 'a', target: '/b', writable: false }],
    ['/a b:/c/../d:rw', { source: '/a b', target: '/d', writable: true }],
    ['C:\\data:/b', { source: 'C:\\data', target: '/b', writable: false }],
    ['/a', null],
    ['a:b', null],
    ['a:/b:z', null],
    [':/b', null],
  ])('%s', (text, volume) => {
    expect(parseVolume(text)).toEqual(volume);
  });

  it.each(['/wheels', '/data/more', '/tmp/x', '/outputs/x', '/srv'])('may be at %s', target => {
    expect(targetProblem(target)).toBeNull();
  });

  it.each([
    '/',
    '/usr',
    '/etc',
    '/job',
    '/job/x',
    '/checkpoints/x',
    '/tmp',
    '/opt',
    '/opt/ftc/ftc',
    '/proc/1',
    '/run/secrets',
  ])('may not be at %s', target => {
    expect(targetProblem(target)).toContain(`has the target ${target}`);
  });
});

describe('a requirements file', () => {
  it('may say what pip can do with this file alone', () => {
    const text =
      '# a\nnumpy>=2\nfoo[bar]==1 ; python_version < "4"\n--extra-index-url https://x/simple\npkg @ https://x/p.whl\n-f https://x/\n';
    expect(requirementsProblems(text)).toEqual([]);
  });

  it.each([
    '-r other.txt',
    '-c pins.txt',
    '-e .',
    './local.whl',
    '/opt/x.whl',
    'pkg @ file:///x',
    '--find-links wheels',
    '--requirement=x',
  ])('may not lead to another file of the host: %s', line => {
    expect(requirementsProblems(`six\n${line}\n`)).toEqual([
      { line: 2, message: `"${line}" names another file of the host` },
    ]);
  });
});
