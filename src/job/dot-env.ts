/** The folder's `.env`. It belongs to the user: of it ftc reads the variables that it documents, and nothing else reaches a container. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';

/** docs/shared-machine.md names them. */
const dotEnvNames = [
  'FTC_BASE_IMAGE',
  'FTC_S3_PORT',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
] as const;

/** More than a person writes. Bytes. */
const MOST = 1 << 20;

/** Those of the variables that `<folder>/.env` has. A file that is none, or cannot be read, has none: it blocks no command. */
export function dotEnv(folder: string): Readonly<Record<string, string>> {
  const all = parse(read(join(folder, '.env')));
  const known: Record<string, string> = {};
  for (const name of dotEnvNames) if (all[name]) known[name] = all[name];
  return known;
}

/** The same for a project whose text is `yaml`: only what it mentions. What `env` has wins. */
export function dotEnvFor(
  folder: string,
  yaml: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Readonly<Record<string, string>> {
  const wanted = Object.entries(dotEnv(folder));
  return Object.fromEntries(wanted.filter(([name]) => yaml.includes(name) && env[name] === undefined));
}

function parse(text: string): Readonly<Record<string, string | undefined>> {
  try {
    return parseEnv(text);
  } catch {
    return {};
  }
}

function read(path: string): string {
  let file: number | null = null;
  try {
    // Opening a pipe would wait for who writes into it.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = fstatSync(file);
    return stats.isFile() && stats.size <= MOST ? readFileSync(file, 'utf8') : '';
  } catch {
    return '';
  } finally {
    if (file !== null) closeSync(file);
  }
}
