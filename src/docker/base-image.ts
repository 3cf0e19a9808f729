/** What the images are built on when nobody says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type Docker from 'dockerode';

const usual = 'debian:trixie-slim';
/** What `npm run setup` makes from Debian's archive where no registry can be reached. */
const own = 'ftc-debian:trixie';

/**
 * The value for FTC_BASE_IMAGE. Undefined leaves it to Compose, which asks the project's .env and then pulls Debian.
 * @param projectDir where Compose looks for .env
 */
export async function baseImage(
  docker: Docker,
  projectDir: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<string | undefined> {
  if (env.FTC_BASE_IMAGE) return env.FTC_BASE_IMAGE;
  if (/^\s*(export\s+)?FTC_BASE_IMAGE\s*=\s*\S/m.test(readIfThere(join(projectDir, '.env'))))
    return undefined;
  if (!(await hasImage(docker, usual)) && (await hasImage(docker, own))) return own;
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

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
