import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { client } from '../../../../src/runtime/docker/client.ts';
import { engineHosts, hostEnvironment } from '../../../../src/runtime/docker/host.ts';

let home: string;
beforeEach(() => (home = mkdtempSync(join(tmpdir(), 'ftctest-home-'))));
afterEach(() => rmSync(home, { recursive: true }));

const hosts = (env: Record<string, string> = {}) => engineHosts({ HOME: home, ...env });
const urls = (env: Record<string, string> = {}) => hosts(env).map(({ url }) => url);

function makeContext(name: string, url: string, { tls = false, current = true } = {}): string {
  const id = createHash('sha256').update(name).digest('hex');
  const meta = join(home, '.docker/contexts/meta', id);
  const certificates = join(home, '.docker/contexts/tls', id, 'docker');
  mkdirSync(meta, { recursive: true });
  writeFileSync(
    join(meta, 'meta.json'),
    JSON.stringify({ Name: name, Endpoints: { docker: { Host: url } } }),
  );
  if (tls) {
    mkdirSync(certificates, { recursive: true });
    for (const file of ['ca.pem', 'cert.pem', 'key.pem']) writeFileSync(join(certificates, file), 'x');
  }
  if (current) writeFileSync(join(home, '.docker/config.json'), JSON.stringify({ currentContext: name }));
  return certificates;
}

describe.runIf(process.platform === 'linux')('where an engine may be', () => {
  it('is the default socket, then rootless Docker, then Docker Desktop', () => {
    mkdirSync(join(home, '.docker/desktop'), { recursive: true });
    writeFileSync(join(home, '.docker/desktop/docker.sock'), '');
    expect(urls({ XDG_RUNTIME_DIR: '/run/user/1000' })).toEqual([
      'unix:///var/run/docker.sock',
      'unix:///run/user/1000/docker.sock',
      `unix://${home}/.docker/desktop/docker.sock`,
    ]);
    expect(urls()).not.toContain('unix:///run/user/1000/docker.sock');
  });

  it('is DOCKER_HOST and nothing else where it is set', () => {
    makeContext('other', 'unix:///other.sock');
    expect(hosts({ DOCKER_HOST: 'unix:///mine.sock' })).toEqual([
      { url: 'unix:///mine.sock', source: 'DOCKER_HOST', certificates: null },
    ]);
    expect(urls({ DOCKER_HOST: 'box:2375' })).toEqual(['tcp://box:2375']);
    expect(
      hosts({ DOCKER_HOST: 'tcp://box:2376', DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/certs' }),
    ).toMatchObject([{ certificates: '/certs' }]);
    expect(urls({ DOCKER_HOST: '', XDG_RUNTIME_DIR: '' })).toEqual(['unix:///other.sock']);
  });

  it("is the docker command's current context where there is one", () => {
    const certificates = makeContext('box', 'tcp://box:2376', { tls: true });
    makeContext('second', 'unix:///second.sock', { current: false });
    expect(hosts()).toEqual([{ url: 'tcp://box:2376', source: 'the docker context "box"', certificates }]);
    expect(urls({ DOCKER_CONTEXT: 'second' })).toEqual(['unix:///second.sock']);
    expect(urls({ DOCKER_CONTEXT: 'default' })).toEqual(['unix:///var/run/docker.sock']);
    expect(() => urls({ DOCKER_CONTEXT: 'gone' })).toThrow(
      expect.objectContaining({ code: 'FTC_NO_ENGINE', message: 'the docker context "gone" does not exist' }),
    );
  });

  it('is given to Compose as it was found', () => {
    expect(hostEnvironment({ url: 'tcp://box:2376', source: '', certificates: '/certs' })).toEqual({
      DOCKER_HOST: 'tcp://box:2376',
      DOCKER_CONTEXT: undefined,
      DOCKER_TLS_VERIFY: '1',
      DOCKER_CERT_PATH: '/certs',
    });
  });
});

describe('a client', () => {
  const modem = (url: string) => client({ url, source: 'DOCKER_HOST', certificates: null }).modem as unknown;

  it.each([
    ['unix:///run/x.sock', { socketPath: '/run/x.sock', host: undefined }],
    ['tcp://box', { host: 'box', port: 2375, protocol: 'http' }],
    ['tcp://[::1]:99', { host: '::1', port: '99', protocol: 'http' }],
    ['https://box', { host: 'box', port: 2376, protocol: 'https' }],
    ['ssh://me@box', { host: 'box', username: 'me', protocol: 'ssh', port: 22 }],
  ])('reads %s', (url, expected) => {
    expect(modem(url)).toMatchObject(expected);
  });

  it.each(['nonsense', 'unix://', 'ftp://x', 'tcp://', 'tcp://a b'])('refuses %s', url => {
    expect(() => modem(url)).toThrow(expect.objectContaining({ code: 'FTC_NO_ENGINE' }));
  });

  it('says which certificates it cannot read', () => {
    const host = { url: 'tcp://box:2376', source: 'DOCKER_HOST', certificates: join(home, 'none') };
    expect(() => client(host)).toThrow('TLS certificates');
  });
});
