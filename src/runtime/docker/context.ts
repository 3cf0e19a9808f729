/** The docker command's contexts, which Compose follows and dockerode does not know; read from ~/.docker. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { FtcError } from '../../errors.ts';

const Config = z.object({ currentContext: z.string().optional() });
const Meta = z.object({
  Endpoints: z.object({ docker: z.object({ Host: z.string(), SkipTLSVerify: z.boolean().optional() }) }),
});

export interface Context {
  readonly name: string;
  readonly url: string;
  /** A folder with ca.pem, cert.pem and key.pem, where the context has them. */
  readonly certificates: string | null;
}

/**
 * The context that the docker command would use; null for the default one.
 * @throws FtcError FTC_NO_ENGINE when it is named and not there
 */
export function currentContext(env: Readonly<Record<string, string | undefined>>): Context | null {
  const folder = env.DOCKER_CONFIG ?? join(env.HOME ?? homedir(), '.docker');
  const named = env.DOCKER_CONTEXT ?? '';
  const name = named === '' ? (readJson(join(folder, 'config.json'), Config)?.currentContext ?? '') : named;
  if (name === '' || name === 'default') return null;

  const id = createHash('sha256').update(name).digest('hex');
  const meta = readJson(join(folder, 'contexts/meta', id, 'meta.json'), Meta);
  if (meta === null)
    throw new FtcError('FTC_NO_ENGINE', `the docker context "${name}" does not exist`, {
      hint: 'List them with "docker context ls", choose one with "docker context use", or unset DOCKER_CONTEXT.',
    });
  const certificates = join(folder, 'contexts/tls', id, 'docker');
  return {
    name,
    url: meta.Endpoints.docker.Host,
    certificates: existsSync(join(certificates, 'cert.pem')) ? certificates : null,
  };
}

/** Null when it is not there, or is no such thing. */
function readJson<Schema extends z.ZodType>(path: string, schema: Schema): z.output<Schema> | null {
  try {
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return null;
  }
}
