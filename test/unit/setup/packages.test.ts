import { describe, expect, it } from 'vitest';
import { chooseCompose, isVersion2 } from '../../../scripts/setup/compose.mjs';
import { parseCandidate, parseMirror } from '../../../scripts/setup/packages.mjs';
import { mayInstall, parseOsRelease } from '../../../scripts/setup/system.mjs';
import { debian12 } from './seen.ts';

describe('the package that brings Compose v2', () => {
  const ubuntu = { ...debian12, distribution: 'ubuntu' as const, release: 24 };
  it.each([
    [
      'Debian 12, whose own is version 1',
      { 'docker-compose': '1.29.2-3' },
      debian12,
      { backport: 'docker-compose' },
    ],
    [
      'Debian 13',
      { 'docker-compose': '2.26.1-4' },
      { ...debian12, release: 13 },
      { package: 'docker-compose' },
    ],
    [
      'Ubuntu',
      { 'docker-compose-v2': '2.24.6', 'docker-compose': '1.29.2-6' },
      ubuntu,
      { package: 'docker-compose-v2' },
    ],
    [
      "Docker's own repository",
      { 'docker-compose-plugin': '2.40.0', 'docker-compose': '1.29.2-3' },
      debian12,
      { package: 'docker-compose-plugin' },
    ],
    [
      'Debian 11, whose C library is too old',
      { 'docker-compose': '1.25.0' },
      { ...debian12, release: 11 },
      null,
    ],
    ['Ubuntu without universe', { 'docker-compose-v2': null }, ubuntu, null],
  ])('%s', (_, candidates, system, choice) => {
    expect(chooseCompose(candidates, system)).toEqual(choice);
  });

  it.each([
    ['2.26.1-4\n', true],
    ['v2.40.0', true],
    ['5.0.1', true],
    ['1.29.2', false],
    ['', false],
  ])('%j is version 2 or later: %j', (text, is) => {
    expect(isVersion2(text)).toBe(is);
  });
});

describe("what apt's tools print", () => {
  it('names the version that would be installed', () => {
    expect(parseCandidate('docker.io:\n  Installed: (none)\n  Candidate: 20.10.24+dfsg1-1\n')).toBe(
      '20.10.24+dfsg1-1',
    );
    expect(parseCandidate('docker-cli:\n  Installed: (none)\n  Candidate: (none)\n')).toBeNull();
    expect(parseCandidate('')).toBeNull();
  });

  it("shows where Debian's packages come from", () => {
    const lines =
      'Debian|Debian-Security|http://m/debian-security/\nother|x|http://o/\nDebian|Debian|http://m/debian/\n';
    expect(parseMirror(lines)).toBe('http://m/debian');
    expect(parseMirror('Ubuntu|Ubuntu|http://archive.ubuntu.com/ubuntu/\n')).toBe(
      'http://deb.debian.org/debian',
    );
  });
});

it('knows the system by /etc/os-release', () => {
  expect(parseOsRelease('PRETTY_NAME="x"\nVERSION_ID="12"\nID=debian\n')).toEqual({
    id: 'debian',
    release: 12,
  });
  expect(parseOsRelease('ID="ubuntu"\nVERSION_ID="24.04"\n')).toEqual({ id: 'ubuntu', release: 24 });
  expect(parseOsRelease('')).toEqual({ id: '', release: 0 });
});

it('installs only as root, and only with apt', () => {
  expect(mayInstall(debian12)).toBe(true);
  expect(mayInstall({ ...debian12, root: false })).toBe(false);
  expect(mayInstall({ ...debian12, distribution: null })).toBe(false);
});
