import { describe, expect, it } from 'vitest';
import { refusal, startOf } from '../../../../src/runtime/docker/daemon.ts';
import { engineProcess, whoAnswers } from '../../../../src/runtime/docker/engine-process.ts';
import { FakeDaemon } from '../../../fakes/fake-daemon.ts';

describe('restarting the engine', () => {
  const socket = 'unix:///var/run/docker.sock';
  it.each([
    [socket, 'Docker Desktop', 'linux', 0, /Docker Desktop/],
    ['tcp://build:2376', 'Debian', 'linux', 0, /not on this machine/],
    [socket, 'Debian', 'darwin', 0, /not on this machine/],
    ['unix:///run/user/1000/docker.sock', 'Debian', 'linux', 1000, /root/],
    [socket, 'Debian', 'linux', 1000, /root/],
  ])('is refused at %s of %s on %s for %s', (url, system, platform, uid, why) => {
    expect(refusal(url, system, platform, uid)).toMatch(why);
  });

  it('is allowed to root, at whatever socket', () => {
    expect(refusal(socket, 'Debian GNU/Linux', 'linux', 0)).toBeNull();
    expect(refusal('unix:///srv/second.sock', 'Ubuntu', 'linux', 0)).toBeNull();
  });

  const idle = { pid: 10, taken: 3, here: true };
  const busy = { pid: 20, taken: 16, here: true };
  it('ends the one that takes the calls, and no other that runs', () => {
    expect(whoAnswers([idle, busy], 16)).toBe(busy);
    expect(whoAnswers([busy, { ...idle, here: false }], 16)).toBe(busy);
  });

  it.each([
    ['none takes them', [idle], /no dockerd/],
    ['there is none', [], /no dockerd/],
    ['two do', [busy, { ...busy, pid: 30 }], /more than one .* 20, 30/],
    ['it is in a container', [idle, { ...busy, here: false }], /20 runs in a container/],
  ])('ends nothing where %s', (_, seen, why) => {
    expect(whoAnswers(seen, 16)).toMatch(why);
  });

  it.each([
    [null, null, 'process'],
    ['docker.service', 20, 'systemd'],
    // A shell of that unit has started it.
    ['runner.service', 7, 'process'],
    ['second.service', 20, { why: 'systemd runs it as second.service, not as docker.service' }],
  ])('of a process in the unit %s with the main process %s', (unit, main, how) => {
    expect(startOf(20, unit, main)).toEqual(how);
  });

  it.runIf(process.platform === 'linux')('ends nothing where no dockerd is behind the socket', async () => {
    const daemon = await FakeDaemon.listen((_, response) => response.end('OK'));
    try {
      expect(await engineProcess(daemon.socket)).toMatch(/no dockerd/);
    } finally {
      daemon.close();
    }
  });
});
