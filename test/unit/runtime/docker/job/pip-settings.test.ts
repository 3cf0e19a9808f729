import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildWithPip } from '../../../../../src/runtime/docker/job/build-with-pip.ts';
import { passedThrough } from '../../../../../src/runtime/docker/job/passed-through.ts';
import { pipSettings } from '../../../../../src/runtime/docker/job/pip-settings.ts';
import type { ComposeProject } from '../../../../../src/runtime/docker/compose.ts';

const files: Record<string, string> = {
  '/etc/pip.conf': '[global]\nindex-url = https://old/simple\ntimeout=9\n[freeze]\nretries = 3\n',
  '/me/.config/pip/pip.conf':
    '[global]\nindex_url: https://user:pass@new/simple\n[install]\nfind-links =\n    https://a/\n    /opt/wheels\n',
  '/ca.pem': 'certificates',
};
const read = (path: string): string | null => files[path] ?? null;

describe("the host's settings of pip", () => {
  it('are read where pip reads them, and what is about folders of the host stays behind', () => {
    const env = {
      HOME: '/me',
      PIP_DEFAULT_TIMEOUT: '180',
      PIP_TARGET: '/x',
      PIP_CERT: '/ca.pem',
      PIP_TRUSTED_HOST: 'h',
    };
    expect(pipSettings(env, read)).toEqual({
      text: '[global]\nindex-url = https://user:pass@new/simple\nfind-links = https://a/\ntrusted-host = h\ntimeout = 180\n',
      certificates: '/ca.pem',
    });
  });

  it('are none where nothing is set', () => {
    expect(pipSettings({ HOME: '/nobody' }, () => null)).toEqual({ text: '', certificates: null });
    expect(pipSettings({ HOME: '/nobody', PIP_CERT: '/absent' }, () => null).certificates).toBeNull();
  });
});

describe('a build of requirements', () => {
  const project: ComposeProject = {
    name: 'a',
    directory: '/',
    yaml: 'secrets: {pip-settings: {file: "${FTC_PIP_SETTINGS:-/dev/null}"}}',
    variables: { FTC_PORT: '1' },
  };

  it('gets them in a file for this user alone, which is gone afterwards, also after a failure', async () => {
    let path = '';
    const failing = buildWithPip(
      project,
      ({ variables }) => {
        expect(variables.FTC_PORT).toBe('1');
        path = variables['FTC_PIP_SETTINGS'] ?? '';
        expect(readFileSync(path, 'utf8')).toContain('index-url = https://u:hunter2@x');
        expect([statSync(path).mode & 0o77, statSync(dirname(path)).mode & 0o77]).toEqual([0, 0]);
        return Promise.reject(new Error('pip'));
      },
      { HOME: '/nobody', PIP_CONFIG_FILE: '/absent', PIP_INDEX_URL: 'https://u:hunter2@x' },
    );
    await expect(failing).rejects.toThrow('pip');
    expect([path === '', existsSync(dirname(path))]).toEqual([false, false]);
  });

  it('of a job without any gets nothing', async () => {
    const plain = { ...project, yaml: 'services: {}' };
    await buildWithPip(plain, its => Promise.resolve(expect(its).toBe(plain)));
  });
});

describe('a worker that is added later', () => {
  it('gets what the shell of "ftc up" had', () => {
    const yaml = 'services: {worker: {environment: {A: null, B: x, C: null}}}';
    expect(passedThrough(yaml, { A: 'a', B: 'b', D: 'd' })).toEqual({ A: 'a' });
    expect(passedThrough('services: {worker: {environment: [A, B=x]}}', { A: 'a', B: 'b' })).toEqual({
      A: 'a',
    });
    expect(passedThrough(null, { A: 'a' })).toEqual({});
  });
});
