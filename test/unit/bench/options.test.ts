import { describe, expect, it } from 'vitest';
import { names, readOptions, recoveryParts, Usage } from '../../../bench/options.ts';

describe('the command line', () => {
  it('is shown without where else the figures go', () => {
    const { command } = readOptions(['recovery', '--json', 'out.json', '--kills', '40'])!;
    expect(command).toBe('npm run bench -- recovery --kills 40');
  });

  it('runs one, or all', () => {
    expect(readOptions(['throughput'])?.run).toEqual(['throughput']);
    expect(readOptions(['all'])?.run).toEqual(names);
  });
  it('has the counts that the page promises, and small ones for a quick look', () => {
    expect(readOptions(['recovery'])).toMatchObject({ kills: 30, torchrunKills: 3, pairs: 5 });
    expect(readOptions(['recovery', '--quick', '--kills', '7'])).toMatchObject({
      kills: 7,
      torchrunKills: 1,
    });
  });
  it('takes parts in the order in which they are run', () => {
    expect(readOptions(['recovery', '--parts', 'standby,kills'])?.parts).toEqual(['kills', 'standby']);
    expect(readOptions(['recovery'])?.parts).toEqual(recoveryParts);
  });
  it('prints help', () => {
    expect(readOptions(['--help'])).toBeNull();
  });
  it.each([
    [[]],
    [['nothing']],
    [['recovery', 'more']],
    [['recovery', '--kills', '0']],
    [['recovery', '--parts', 'x']],
    [['--no']],
  ])('refuses %j', args => {
    expect(() => readOptions(args)).toThrow(Usage);
  });
});
