/** Which Compose there is: the docker command's plugin, or the command of its own. */
import { execa } from 'execa';
import { FtcError } from '../../errors.ts';

export interface ComposeCommand {
  readonly file: string;
  /** What comes before Compose's own arguments. */
  readonly before: readonly string[];
  /** `2.26.1` */
  readonly version: string;
}

const candidates = [
  { file: 'docker', before: ['compose'] },
  { file: 'docker-compose', before: [] },
] as const;

const hint =
  'Install Compose v2: https://docs.docker.com/compose/install/ (Debian 13 and Ubuntu: apt install docker-compose-v2 or docker-compose).';

/** @throws FtcError FTC_NO_COMPOSE */
export async function findCompose(env: NodeJS.ProcessEnv): Promise<ComposeCommand> {
  const old: string[] = [];
  for (const { file, before } of candidates) {
    const { failed, stdout } = await execa(file, [...before, 'version', '--short'], {
      env,
      extendEnv: false,
      reject: false,
      stdin: 'ignore',
    });
    const version = /(\d+)\.\d+\.\d+/.exec(failed ? '' : stdout);
    if (version === null) continue;
    if (Number(version[1]) >= 2) return { file, before, version: version[0] };
    old.push(`${[file, ...before].join(' ')} is version ${version[0]}`);
  }
  if (old.length > 0)
    throw new FtcError('FTC_NO_COMPOSE', `${old.join(', ')}; ftc needs version 2`, { hint });
  throw new FtcError('FTC_NO_COMPOSE', 'neither "docker compose" nor "docker-compose" is there', { hint });
}
