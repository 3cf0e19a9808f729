/** Gets what the images are built on, where the engine has none yet: pulled, or made from Debian's archive. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { FtcError } from '../../errors.ts';
import { ownPackage } from '../../package.ts';
import { hasImage, ownBaseImage, usualBaseImage } from './base-image.ts';
import type { Connection } from './connect.ts';
import { hostEnvironment } from './host.ts';

/** scripts/setup/base-image.mjs, which the package carries as it is: setup runs it too. */
interface SetupScript {
  readonly ensureBaseImage: (context: {
    wanted: string;
    env: NodeJS.ProcessEnv;
    report: {
      dryRun: boolean;
      step<T>(what: string, why: string, action: () => Promise<T>): Promise<T>;
    };
  }) => Promise<string>;
}

/** Whether an image that ftc itself answers for is not there; one that a person named is theirs to bring. */
export async function lacksBaseImage(
  { docker }: Pick<Connection, 'docker'>,
  named: string | undefined,
): Promise<boolean> {
  if (named !== undefined && named !== ownBaseImage && named !== usualBaseImage) return false;
  return !(await hasImage(docker, named ?? usualBaseImage));
}

/**
 * @param named the value of FTC_BASE_IMAGE, if any
 * @returns the image's name, for FTC_BASE_IMAGE
 * @throws FtcError FTC_NO_BASE_IMAGE
 */
export async function makeBaseImage(
  { host }: Pick<Connection, 'host'>,
  named: string | undefined,
  onLine: (line: string) => void,
  script = join(ownPackage().root, 'scripts/setup/base-image.mjs'),
): Promise<string> {
  const { ensureBaseImage } = (await import(pathToFileURL(script).href)) as SetupScript;
  try {
    return await ensureBaseImage({
      wanted: named ?? '',
      env: hostEnvironment(host),
      report: {
        dryRun: false,
        step(what, why, action) {
          onLine(`${what} (${why})`);
          return action();
        },
      },
    });
  } catch (cause) {
    if (!(cause instanceof Error) || cause.name !== 'SetupProblem') throw cause;
    const { hint } = cause as { hint?: string };
    throw new FtcError('FTC_NO_BASE_IMAGE', cause.message, { cause, ...(hint !== undefined && { hint }) });
  }
}
