import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { otherSockets } from '../../../scripts/setup/client.mjs';
import { holdsPid, pidFilesOf } from '../../../scripts/setup/engine-start.mjs';
import { decideEngine, explain } from '../../../scripts/setup/engine.mjs';
import { debian12, nowhere, type Seen } from './seen.ts';

const fresh: Seen = { connection: nowhere, installed: false, running: false, system: debian12 };
const user = { ...debian12, root: false };

describe('what to do for an engine', () => {
  it.each<[what: string, seen: Seen, decision: ReturnType<typeof decideEngine>]>([
    ['one answers', { ...fresh, connection: { ...nowhere, answers: true } }, 'use'],
    ['one answers to a user', { ...fresh, connection: { ...nowhere, answers: true }, system: user }, 'use'],
    ['a fresh machine, root', fresh, 'install'],
    ['a fresh machine, not root', { ...fresh, system: user }, 'explain-install'],
    [
      'a fresh machine of another distribution',
      { ...fresh, system: { ...debian12, distribution: null } },
      'explain-install',
    ],
    [
      'a Mac',
      { ...fresh, system: { ...debian12, platform: 'darwin', distribution: null } },
      'explain-install',
    ],
    ['only the client is installed', { ...fresh, connection: { ...nowhere, client: true } }, 'install'],
    ['installed, no init system', { ...fresh, installed: true }, 'start'],
    [
      'installed, systemd',
      { ...fresh, installed: true, system: { ...debian12, systemd: true } },
      'start-unit',
    ],
    ['installed, not root', { ...fresh, installed: true, system: user }, 'explain-start'],
    ['running, not answering yet', { ...fresh, installed: true, running: true }, 'wait'],
    [
      'permission denied',
      { ...fresh, connection: { ...nowhere, denied: true }, system: user },
      'explain-denied',
    ],
    [
      'DOCKER_HOST does not answer',
      { ...fresh, connection: { ...nowhere, told: 'tcp://a:1' } },
      'explain-told',
    ],
    [
      'a rootless engine',
      { ...fresh, installed: true, connection: { ...nowhere, elsewhere: 'unix:///run/user/1/docker.sock' } },
      'use-elsewhere',
    ],
  ])('%s', (_, seen, decision) => {
    expect(decideEngine(seen)).toBe(decision);
  });

  it('never installs or starts anything in place of an engine that was named', () => {
    const connection = { ...nowhere, client: true, told: 'ssh://box', detail: 'no route to host' };
    expect(decideEngine({ connection, installed: true, running: false, system: debian12 })).toBe(
      'explain-told',
    );
    expect(explain('explain-told', connection, debian12)[0]).toContain('ssh://box');
  });

  it('tells a person on another system what to install, and nobody there to use apt', () => {
    expect(
      explain('explain-install', nowhere, { ...debian12, platform: 'darwin', distribution: null })[1],
    ).toContain('Docker Desktop');
    expect(explain('explain-install', nowhere, user)[1]).toMatch(/sudo .*node.* .*setup\.mjs/);
  });

  it('looks for rootless engines only where there is a runtime directory', () => {
    expect(otherSockets({ XDG_RUNTIME_DIR: '/run/user/7' }, '/home/a')[0]).toBe('/run/user/7/docker.sock');
    expect(otherSockets({}, '/home/a').every(path => path.startsWith('/home/a/'))).toBe(true);
  });
});

describe('a pid file', () => {
  let folder: string;
  const file = () => join(folder, 'docker.pid');
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ftc-pid-'));
    mkdirSync(join(folder, 'proc/41'), { recursive: true });
    mkdirSync(join(folder, 'proc/42'));
    writeFileSync(join(folder, 'proc/41/comm'), 'dockerd\n');
    writeFileSync(join(folder, 'proc/42/comm'), 'sleep\n');
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it.each([
    ['41', true],
    ['41\n', true],
    ['42', false],
    ['43', false],
    ['', false],
    ['../41', false],
  ])('that says %j: the program is there: %j', (text, there) => {
    writeFileSync(file(), text);
    expect(holdsPid(file(), 'dockerd', join(folder, 'proc'))).toBe(there);
  });

  it.each([
    ['S', true],
    ['Z', false],
  ])('of a process in state %s: the program is there: %j', (state, there) => {
    writeFileSync(file(), '41');
    writeFileSync(join(folder, 'proc/41/stat'), `41 (dockerd) (x) ${state} 1 41 41 0 -1\n`);
    expect(holdsPid(file(), 'dockerd', join(folder, 'proc'))).toBe(there);
  });

  it.each([
    [[], '/var/run/docker.pid', '/var/run/docker/containerd/containerd.pid'],
    [['--pidfile=/a.pid', '--exec-root=/b'], '/a.pid', '/b/containerd/containerd.pid'],
    [['--exec-root', '/b', '-p', '/a.pid', '--debug'], '/a.pid', '/b/containerd/containerd.pid'],
  ])('of a dockerd with the arguments %j', (args, dockerd, containerd) => {
    expect(pidFilesOf(args)).toEqual({ dockerd, containerd });
  });

  it('that is not there', () => {
    expect(holdsPid(file(), 'dockerd', join(folder, 'proc'))).toBe(false);
  });
});
