import { describe, expect, it } from 'vitest';
import { decideBaseImage, ownImage, pulledImage } from '../../../scripts/setup/base-image.mjs';
import { readVariable, withVariable } from '../../../scripts/setup/env-file.mjs';

describe('the base image', () => {
  const none = { wanted: undefined, wantedPresent: false, pulledPresent: false, ownPresent: false };
  const pullOrMake = { pull: pulledImage, else: 'make' };
  it.each([
    ['nothing there', none, pullOrMake],
    ['pulled before', { ...none, pulledPresent: true }, { use: pulledImage }],
    ['made before', { ...none, wanted: ownImage, wantedPresent: true, ownPresent: true }, { use: ownImage }],
    ['made before, and .env was lost', { ...none, ownPresent: true }, { use: ownImage }],
    ['made before, and the engine was emptied', { ...none, wanted: ownImage }, pullOrMake],
    [
      'made before and pulled since: images stay on what they were built on',
      { wanted: ownImage, wantedPresent: true, ownPresent: true, pulledPresent: true },
      { use: ownImage },
    ],
    ["a person's own, there", { ...none, wanted: 'mine:1', wantedPresent: true }, { use: 'mine:1' }],
    [
      "a person's own, not there",
      { ...none, wanted: 'mine:1', pulledPresent: true },
      { pull: 'mine:1', else: 'fail' },
    ],
    ['set to nothing', { ...none, wanted: '' }, pullOrMake],
  ])('%s', (_, seen, decision) => {
    expect(decideBaseImage(seen)).toEqual(decision);
  });
});

describe('.env', () => {
  const text = '# mine\nFTC_PORT=1\nFTC_BASE_IMAGE=old\nOTHER="a b"\n';

  it('keeps every other line', () => {
    expect(withVariable(text, 'FTC_BASE_IMAGE', 'new')).toBe(
      '# mine\nFTC_PORT=1\nFTC_BASE_IMAGE=new\nOTHER="a b"\n',
    );
    expect(withVariable(text, 'FTC_BASE_IMAGE', null)).toBe('# mine\nFTC_PORT=1\nOTHER="a b"\n');
    expect(withVariable('A=1', 'B', '2')).toBe('A=1\nB=2\n');
    expect(withVariable('', 'B', '2')).toBe('B=2\n');
    expect(withVariable('B=2\n', 'B', null)).toBe('');
  });

  it('is read as Compose reads it', () => {
    expect(readVariable(text, 'FTC_BASE_IMAGE')).toBe('old');
    expect(readVariable(text, 'OTHER')).toBe('a b');
    expect(readVariable("export A='x'\n", 'A')).toBe('x');
    expect(readVariable(text, 'BASE_IMAGE')).toBeUndefined();
    expect(readVariable('#A=1\n', 'A')).toBeUndefined();
  });
});
