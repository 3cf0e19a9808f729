/** What the images are built on when nobody says. */
import type Docker from 'dockerode';
import { dotEnv } from '../../job/dot-env.ts';

export const usualBaseImage = 'debian:trixie-slim';
/** What `npm run setup` makes from Debian's archive where no registry can be reached. */
export const ownBaseImage = 'ftc-debian:trixie';

/**
 * The value for FTC_BASE_IMAGE: the environment's, else the one in the project's .env; else our own
 * Debian where it is there and the registry's is not. Undefined leaves it to Compose, which pulls Debian.
 * @param projectDir where .env may be
 */
export async function baseImage(
  docker: Docker,
  projectDir: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<string | undefined> {
  const named = env.FTC_BASE_IMAGE || dotEnv(projectDir).FTC_BASE_IMAGE;
  if (named) return named;
  if (!(await hasImage(docker, usualBaseImage)) && (await hasImage(docker, ownBaseImage)))
    return ownBaseImage;
  return undefined;
}

export async function hasImage(docker: Docker, name: string): Promise<boolean> {
  try {
    await docker.getImage(name).inspect();
    return true;
  } catch {
    return false;
  }
}
