import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { connect } from '../../../../src/runtime/docker/connect.ts';
import { answer, FakeDaemon } from '../../../fakes/fake-daemon.ts';

const version = { Version: '20.10.24', Platform: { Name: '' } };
let daemon: FakeDaemon | null = null;
afterEach(() => {
  daemon?.close();
  daemon = null;
});

describe('connecting', () => {
  it('finds the engine that DOCKER_HOST names, and the socket for the supervisor', async () => {
    daemon = await FakeDaemon.listen((_, response) => answer(response, version));
    const found = await connect({ DOCKER_HOST: `unix://${daemon.socket}` });
    expect(found).toMatchObject({ version: '20.10.24', host: { source: 'DOCKER_HOST' } });
    expect(found.socket).toBe(process.platform === 'linux' ? daemon.socket : '/var/run/docker.sock');
  });

  it('mounts the usual socket for an engine in a virtual machine, and what one says otherwise', async () => {
    const desktop = { ...version, Platform: { Name: 'Docker Desktop 4.50.0 (1)' } };
    daemon = await FakeDaemon.listen((_, response) => answer(response, desktop));
    const env = { DOCKER_HOST: `unix://${daemon.socket}` };
    expect((await connect(env)).socket).toBe('/var/run/docker.sock');
    expect((await connect({ ...env, FTC_DOCKER_SOCKET: '/my.sock' })).socket).toBe('/my.sock');
  });

  it('says where it looked when nobody answers', async () => {
    daemon = await FakeDaemon.listen((_, response) => answer(response, version));
    const gone = join(daemon.folder, 'gone.sock');
    await expect(connect({ DOCKER_HOST: `unix://${gone}` })).rejects.toMatchObject({
      code: 'FTC_NO_ENGINE',
      exitCode: 3,
      message: `no container engine answers\nunix://${gone} (DOCKER_HOST): there is no such socket`,
    });
    await expect(connect({ DOCKER_HOST: 'tcp://127.0.0.1:1' })).rejects.toMatchObject({
      message: expect.stringContaining('nothing listens there') as string,
    });
  });

  it('refuses what answers and is no engine', async () => {
    daemon = await FakeDaemon.listen((_, response) => response.end('<html>hello'));
    await expect(connect({ DOCKER_HOST: `unix://${daemon.socket}` })).rejects.toMatchObject({
      code: 'FTC_NO_ENGINE',
    });
  });

  it.skipIf(process.platform === 'win32')('says what to do without permission', async () => {
    daemon = await FakeDaemon.listen((_, response) => answer(response, version));
    chmodSync(daemon.folder, 0);
    // To root nothing is forbidden: be somebody else for a moment.
    const root = process.geteuid?.() === 0;
    if (root) process.seteuid?.(65534);
    try {
      await expect(connect({ DOCKER_HOST: `unix://${daemon.socket}` })).rejects.toMatchObject({
        code: 'FTC_ENGINE_PERMISSION',
        exitCode: 3,
        message: `no permission to use unix://${daemon.socket}`,
      });
    } finally {
      if (root) process.seteuid?.(0);
      chmodSync(daemon.folder, 0o700);
    }
  });
});
