/** The token of a job's master: read in its container, by who may talk to the engine. src/shared/http-token.ts says why there. */
import type { Connection } from '../connect.ts';
import { DockerLab } from '../dockerode-lab.ts';
import type { Replica } from '../../replica.ts';
import { FtcError } from '../../../errors.ts';
import { TOKEN_FILE } from '../../../shared/http-token.ts';

/** @throws FtcError FTC_MASTER_UNREACHABLE, and as the engine does */
export async function tokenOf(
  { docker }: Pick<Connection, 'docker'>,
  containers: readonly Replica[],
): Promise<string> {
  const master = containers.find(c => c.role === 'master');
  if (master?.state !== 'running') throw noToken(`the job's master is ${master?.state ?? 'not there'}`);
  const { exitCode, output } = await new DockerLab(docker).exec(master.id, ['cat', TOKEN_FILE]);
  const token = output.trim();
  if (exitCode !== 0 || !/^[\w-]{43}$/.test(token)) throw noToken(`the job's master has no token yet`);
  return token;
}

function noToken(message: string): FtcError {
  return new FtcError('FTC_MASTER_UNREACHABLE', message, {
    hint: 'Try again in a few seconds. The image of its master may be older than this ftc: "ftc down" and "ftc up" take the newer one.',
  });
}
