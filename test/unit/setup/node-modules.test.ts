import { describe, expect, it } from 'vitest';
import { whyInstall } from '../../../scripts/setup/node-modules.mjs';

const a = { version: '1.0.0', integrity: 'sha512-a' };
const windows = { version: '1.0.0', integrity: 'sha512-w', optional: true };
const wanted = { packages: { '': { version: '0.1.0' }, 'node_modules/a': a, 'node_modules/w': windows } };

describe('whether the packages are to be installed', () => {
  it.each([
    ['all there', { 'node_modules/a': a, 'node_modules/w': windows }],
    ["another platform's are missing", { 'node_modules/a': a }],
    ['there are more', { 'node_modules/a': a, 'node_modules/b': a }],
  ])('%s: no', (_, packages) => {
    expect(whyInstall(wanted, { packages })).toBeNull();
  });

  it.each([
    ['one is missing', {}],
    ['one has another version', { 'node_modules/a': { ...a, version: '1.0.1' } }],
    ['one has other contents', { 'node_modules/a': { ...a, integrity: 'sha512-x' } }],
    [
      'an optional one is outdated',
      { 'node_modules/a': a, 'node_modules/w': { ...windows, version: '0.9.0' } },
    ],
  ])('%s: yes, and why', (_, packages) => {
    expect(whyInstall(wanted, { packages })).toMatch(/node_modules\/[aw] /);
  });

  it('none at all, or half an installation: yes', () => {
    expect(whyInstall(wanted, null)).toContain('not there');
  });
});
