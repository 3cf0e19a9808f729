/** The helper's image: iptables, tc and a few hundred lines of Python. Its tag is a hash of what it is made of. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { baseImage, hasImage, usualBaseImage } from './base-image.ts';
import { Compose } from './compose.ts';
import type { Connection } from './connect.ts';
import { lacksBaseImage, makeBaseImage } from './make-base-image.ts';
import { ownPackage } from '../../package.ts';

const FOLDER = 'images/chaos';
const PROGRAM = 'ftc_chaos';
const SERVICE = 'helper';

/** The image's name; it is built where it is not there. @throws FtcError FTC_COMPOSE_FAILED, FTC_NO_BASE_IMAGE */
export async function helperImage(connection: Connection, say: (line: string) => void): Promise<string> {
  const { root, version } = ownPackage();
  const name = `ftc-chaos:${version}-${hashOf(join(root, FOLDER))}`;
  if (await hasImage(connection.docker, name)) return name;
  say('building the helper image for faults of networks, disks and memory (once; it takes a moment)');
  let base = (await baseImage(connection.docker, process.cwd())) ?? usualBaseImage;
  if (await lacksBaseImage(connection, base)) base = await makeBaseImage(connection, base, say);
  const compose = await Compose.find(connection.host);
  const yaml = projectFile(name, root, base);
  await compose.build({ name: 'ftc-chaos', directory: root, yaml, variables: {} }, { services: [SERVICE] });
  return name;
}

/** A Compose project that only builds. */
function projectFile(image: string, context: string, base: string): string {
  const build = { context, dockerfile: `${FOLDER}/Dockerfile`, args: { BASE_IMAGE: base } };
  return stringify({ services: { [SERVICE]: { image, build } } });
}

/** The first eight hex digits of a SHA-256 over all that the image is made of, by name. */
function hashOf(folder: string): string {
  const hash = createHash('sha256');
  const program = join(folder, PROGRAM);
  const files = readdirSync(program)
    .filter(name => name.endsWith('.py'))
    .sort()
    .map(name => join(program, name));
  for (const file of [join(folder, 'Dockerfile'), ...files])
    hash
      .update(`${file.slice(folder.length)}\0`)
      .update(readFileSync(file))
      .update('\0');
  return hash.digest('hex').slice(0, 8);
}
