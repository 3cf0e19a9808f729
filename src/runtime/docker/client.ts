/** A dockerode client for a host that is already decided: nothing of it is taken from the environment again. */
import { readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import Docker from 'dockerode';
import { FtcError } from '../../errors.ts';
import type { EngineHost } from './host.ts';

export function client({ url, source, certificates }: EngineHost): Docker {
  const [, scheme, rest = ''] = /^(\w+):\/\/(.*)$/s.exec(url) ?? [];
  // dockerode takes from the environment whatever is not named, even where it makes no sense.
  const nothing = { socketPath: undefined, host: undefined, port: undefined, username: undefined };
  // A connection kept alive over an engine's restart fails the next call.
  const plain = { protocol: 'http', agent: new Agent({ keepAlive: false }) } as const;
  const none = { ca: undefined, cert: undefined, key: undefined };

  if ((scheme === 'unix' || scheme === 'npipe') && rest !== '')
    return new Docker({ ...nothing, ...none, ...plain, socketPath: rest });

  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || parsed.hostname === '' || !['tcp', 'http', 'https', 'ssh'].includes(scheme ?? ''))
    throw new FtcError('FTC_NO_ENGINE', `${source} is "${url}", which is no address of an engine`, {
      hint: 'Write it like unix:///var/run/docker.sock, tcp://host:2376 or ssh://user@host.',
    });
  const host = parsed.hostname.replace(/^\[|\]$/g, '');
  if (scheme === 'ssh')
    return new Docker({
      ...nothing,
      ...none,
      protocol: 'ssh',
      host,
      port: parsed.port || 22,
      username: parsed.username || undefined,
      sshOptions: process.env.SSH_AUTH_SOCK ? { agent: process.env.SSH_AUTH_SOCK } : undefined,
    });
  if (certificates === null && scheme !== 'https')
    return new Docker({ ...nothing, ...none, ...plain, host, port: parsed.port || 2375 });
  return new Docker({
    ...nothing,
    ...(certificates === null ? none : readCertificates(certificates)),
    protocol: 'https',
    host,
    port: parsed.port || 2376,
  });
}

function readCertificates(folder: string): { ca: Buffer; cert: Buffer; key: Buffer } {
  const read = (name: string) => readFileSync(join(folder, name));
  try {
    return { ca: read('ca.pem'), cert: read('cert.pem'), key: read('key.pem') };
  } catch (cause) {
    throw new FtcError('FTC_NO_ENGINE', `the engine's TLS certificates in ${folder} cannot be read`, {
      hint: 'ca.pem, cert.pem and key.pem belong there; DOCKER_CERT_PATH names another folder.',
      cause,
    });
  }
}
