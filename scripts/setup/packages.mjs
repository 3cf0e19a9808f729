import { existsSync } from 'node:fs';
import { SetupProblem } from './report.mjs';
import { lastLines, run } from './run.mjs';

const env = { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' };
const options = ['-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3'];
let updated = false;

/** Brings apt's lists up to date, once a run. A source that fails is not ours to judge: the install will tell. */
export async function updateLists() {
  if (updated) return;
  updated = true;
  await run('apt-get', [...options, 'update'], { env });
}

/**
 * The version that apt would install, null where there is none.
 * @param {string} name
 */
export async function candidate(name) {
  const { stdout } = await run('apt-cache', ['policy', name], { env });
  return parseCandidate(stdout);
}

/** @param {string} text what `apt-cache policy NAME` prints */
export function parseCandidate(text) {
  const version = /^ {2}Candidate: (.*)$/m.exec(text)?.[1];
  return version === undefined || version === '(none)' ? null : version;
}

/** @param {readonly string[]} names */
export async function install(names) {
  await updateLists();
  const result = await run('apt-get', [...options, 'install', '-y', '--no-install-recommends', ...names], {
    env,
  });
  if (!result.ok) {
    throw new SetupProblem(`apt could not install ${names.join(', ')}:\n${lastLines(result)}`);
  }
}

/** Where this machine gets Debian's packages from; Debian's own address where that is not to be seen. */
export async function debianMirror() {
  const { stdout } = await run('apt-get', ['indextargets', '--format', '$(ORIGIN)|$(LABEL)|$(REPO_URI)'], {
    env,
  });
  return parseMirror(stdout);
}

/** @param {string} text lines of `origin|label|uri` */
export function parseMirror(text) {
  const main = text.split('\n').find(line => line.startsWith('Debian|Debian|http'));
  return main?.split('|')[2]?.replace(/\/$/, '') ?? 'http://deb.debian.org/debian';
}

/** The keys that sign Debian's archive, installed where absent. */
export const debianKeyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
export async function ensureDebianKeyring() {
  if (!existsSync(debianKeyring)) await install(['debian-archive-keyring']);
}
