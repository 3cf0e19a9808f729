import { expect, it } from 'vitest';
import { processes } from '../../../chaos/faults/inside.ts';

it('finds the program under the init, and all that it has started, and not who came in from outside', () => {
  const listed = [
    '1 0 0',
    '12 7 10001',
    '7 1 10001',
    '30 0 10001',
    '31 30 10001',
    '13 12 10001',
    'x',
    '',
  ].join('\n');
  expect(processes(listed)).toEqual({ main: 7, all: [7, 12, 13], uid: 10001 });
});

it('finds nothing where the program is the first process', () => {
  expect(processes('1 0 0\n9 0 0\n')).toBeNull();
});
