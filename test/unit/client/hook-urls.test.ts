import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hookUrls } from '../../../src/client/hook-urls.ts';
import { hookVariables } from '../../../src/runtime/docker/job/hook-variables.ts';
import { saveProject } from '../../../src/runtime/docker/job/saved-project.ts';
import type { FtcError } from '../../../src/errors.ts';
import { type Hooks, noHooks } from '../../../src/job/hooks.ts';
import { readHookUrls } from '../../../src/master/hooks/urls.ts';
import { Secret } from '../../../src/shared/secret.ts';

const TOKEN = 'T0canary';
const url = (path: string): string => `https://hooks.example.com/${path}/${TOKEN}`;

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'ftctest-urls-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const hooks = (more: Partial<Hooks>): Hooks => ({ ...noHooks, ...more });
const problem = (more: Partial<Hooks>, env = {}): FtcError => {
  try {
    hookUrls(hooks(more), env, folder);
  } catch (error) {
    return error as FtcError;
  }
  throw new Error('nothing was found wrong');
};

describe('the URLs of hooks', () => {
  it('come from the job file, a file and the environment, and reach the master in one file', () => {
    writeFileSync(join(folder, 'webhook'), `${url('file')}\n`, { mode: 0o600 });
    const all = hooks({
      onFailure: [
        { kind: 'url', url: new Secret(url('plain')) },
        { kind: 'command', command: 'true' },
        { kind: 'urlEnv', name: 'HOOK' },
      ],
      onSuccess: [{ kind: 'urlFile', path: join(folder, 'webhook') }],
    });
    const text = hookUrls(all, { HOOK: ` ${url('env')}` }, folder);
    saveProject({ name: 'mine', directory: folder, yaml: 'name: mine\n', variables: {}, hookUrls: text });
    const { FTC_HOOKS_FILE: path = '' } = hookVariables(folder, 'mine');
    expect(path).toBe(join(folder, '.ftc/hooks/mine.json'));
    expect(readHookUrls(['onFailure', 'onSuccess'], path)).toEqual({
      problem: null,
      urls: { onFailure: [url('plain'), url('env')], onRecovery: [], onSuccess: [url('file')] },
    });
    // The master is another user; others must not get as far as to the file.
    expect(statSync(path).mode & 0o777).toBe(0o644);
    for (const part of ['.ftc', '.ftc/hooks']) expect(statSync(join(folder, part)).mode & 0o777).toBe(0o700);
    expect(readFileSync(join(folder, '.ftc/mine.yaml'), 'utf8')).not.toContain(TOKEN);
  });

  it('are gone with the hooks', () => {
    const project = { name: 'mine', directory: folder, yaml: 'name: mine\n', variables: {} };
    saveProject({ ...project, hookUrls: '{}' });
    saveProject(project);
    expect(hookVariables(folder, 'mine')).not.toEqual({});
    saveProject({ ...project, hookUrls: null });
    expect(hookVariables(folder, 'mine')).toEqual({});
    expect(hookUrls(hooks({ onFailure: [{ kind: 'command', command: 'true' }] }))).toBeNull();
  });

  it('are not kept where others can look', () => {
    mkdirSync(join(folder, '.ftc/hooks'), { recursive: true });
    chmodSync(join(folder, '.ftc'), 0o700);
    chmodSync(join(folder, '.ftc/hooks'), 0o755);
    const project = { name: 'mine', directory: folder, yaml: 'name: mine\n', variables: {}, hookUrls: '{}' };
    expect(() => saveProject(project)).toThrow('.ftc/hooks can be looked into by others, and holds secrets');
    rmSync(join(folder, '.ftc/hooks'), { recursive: true });
    mkdirSync(join(folder, 'elsewhere'), { mode: 0o700 });
    symlinkSync(join(folder, 'elsewhere'), join(folder, '.ftc/hooks'));
    expect(() => saveProject(project)).toThrow('.ftc/hooks is a link');
    expect(readdirSync(join(folder, 'elsewhere'))).toEqual([]);
  });

  it('are missed where they are not, by name', () => {
    const fromEnv = { onSuccess: [{ kind: 'urlEnv', name: 'HOOK' }] } as const;
    const fromFile = { onSuccess: [{ kind: 'urlFile', path: join(folder, 'webhook') }] } as const;
    expect(problem(fromEnv).message).toBe('hooks.onSuccess: the variable HOOK is not set in this shell');
    expect(problem(fromFile).message).toBe('hooks.onSuccess: webhook does not exist');
    writeFileSync(join(folder, 'webhook'), TOKEN);
    for (const found of [problem(fromFile), problem(fromEnv, { HOOK: TOKEN })]) {
      expect(found.message).toMatch(/ is no URL that begins with https:\/\/ or http:\/\/$/);
      expect(`${found.message} ${found.hint ?? ''}`).not.toContain(TOKEN);
      expect(found.exitCode).toBe(2);
    }
  });
});
