import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  candidate,
  debianKeyring,
  debianMirror,
  ensureDebianKeyring,
  install,
  updateLists,
} from './packages.mjs';
import { SetupProblem } from './report.mjs';
import { lastLines, run } from './run.mjs';
import { asRoot, mayInstall } from './system.mjs';

/** @returns {Promise<string[] | null>} the command that is Compose v2 or later */
export async function findCompose() {
  for (const command of [['docker', 'compose'], ['docker-compose']]) {
    const [program = '', ...args] = command;
    const { ok, stdout } = await run(program, [...args, 'version', '--short']);
    if (ok && isVersion2(stdout)) return command;
  }
  return null;
}

/** @param {string} text a version such as 2.26.1-4 or v2.40.0 */
export const isVersion2 = text => Number.parseInt(text.trim().replace(/^v/, ''), 10) >= 2;

/**
 * Which package brings Compose v2: Ubuntu's, Docker's own, Debian's since 13, or that one carried back to Debian 12.
 * @param {Record<string, string | null>} candidates versions that apt would install
 * @param {import('./system.mjs').System} system
 * @returns {{ package: string } | { backport: 'docker-compose' } | null}
 */
export function chooseCompose(candidates, system) {
  if (candidates['docker-compose-v2']) return { package: 'docker-compose-v2' };
  if (candidates['docker-compose-plugin']) return { package: 'docker-compose-plugin' };
  if (isVersion2(candidates['docker-compose'] ?? '')) return { package: 'docker-compose' };
  if (system.distribution === 'debian' && system.release === 12) return { backport: 'docker-compose' };
  return null;
}

/** @param {{ report: import('./report.mjs').Report, system: import('./system.mjs').System }} context */
export async function ensureCompose({ report, system }) {
  if ((await findCompose()) !== null) return;
  const link = 'https://docs.docker.com/compose/install/linux/';
  if (!mayInstall(system)) {
    throw new SetupProblem(
      'Docker Compose v2 is not installed ("docker compose version" fails).',
      system.distribution === null ? `Install it: ${link}` : `Run ${asRoot}, or install it by hand: ${link}`,
    );
  }
  await report.step('install Docker Compose v2 with apt', 'there is none', async () => {
    await updateLists();
    /** @type {Record<string, string | null>} */
    const candidates = {};
    for (const name of ['docker-compose-v2', 'docker-compose-plugin', 'docker-compose']) {
      candidates[name] = await candidate(name);
    }
    const choice = chooseCompose(candidates, system);
    if (choice === null)
      throw new SetupProblem('apt has no Docker Compose v2 for this system.', `Install it: ${link}`);
    if ('package' in choice) await install([choice.package]);
    else await installFromTrixie(choice.backport);
  });
  if (!report.dryRun && (await findCompose()) === null) {
    throw new SetupProblem(
      'Docker Compose v2 was installed, but "docker compose version" still fails.',
      `See ${link}`,
    );
  }
}

/**
 * Debian 13's package on Debian 12: the program needs nothing but a C library that both have. apt's own configuration
 * stays as it is: this works from a separate one, in a temporary folder.
 * @param {string} name
 */
async function installFromTrixie(name) {
  await ensureDebianKeyring();
  const folder = mkdtempSync(join(tmpdir(), 'ftc-apt-'));
  try {
    for (const path of ['lists/partial', 'cache/archives/partial', 'parts', 'deb']) {
      mkdirSync(join(folder, path), { recursive: true });
    }
    const sources = join(folder, 'trixie.list');
    writeFileSync(sources, `deb [signed-by=${debianKeyring}] ${await debianMirror()} trixie main\n`);
    const options = [
      `Dir::Etc::SourceList=${sources}`,
      `Dir::Etc::SourceParts=${join(folder, 'parts')}`,
      `Dir::State::Lists=${join(folder, 'lists')}`,
      `Dir::Cache=${join(folder, 'cache')}`,
      'APT::Sandbox::User=root',
      'Acquire::Retries=3',
      'Acquire::Languages=none',
    ].flatMap(option => ['-o', option]);
    const commands = /** @type {const} */ ([
      ['apt-get', [...options, 'update'], folder],
      ['apt-get', [...options, 'download', name], join(folder, 'deb')],
    ]);
    for (const [command, args, cwd] of commands) await must(command, args, cwd);
    const files = readdirSync(join(folder, 'deb')).map(file => join(folder, 'deb', file));
    await must('dpkg', ['--install', ...files], folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {string} cwd
 */
async function must(command, args, cwd) {
  const result = await run(command, args, { cwd, env: { DEBIAN_FRONTEND: 'noninteractive' } });
  if (!result.ok) throw new SetupProblem(`${command} failed while installing Compose:\n${lastLines(result)}`);
}
