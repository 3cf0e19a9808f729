import { probeConnection } from './client.mjs';
import { daemonInstalled, daemonRunning, startDaemon, startUnit, waitWhileItRuns } from './engine-start.mjs';
import { candidate, install, updateLists } from './packages.mjs';
import { SetupProblem } from './report.mjs';
import { asRoot, mayInstall } from './system.mjs';

/**
 * What to do for an engine that answers.
 * @param {{ connection: import('./client.mjs').Connection, installed: boolean, running: boolean, system: import('./system.mjs').System }} seen
 * @returns {'use' | 'use-elsewhere' | 'wait' | 'start' | 'start-unit' | 'install' | 'explain-told' | 'explain-denied' | 'explain-start' | 'explain-install'}
 */
export function decideEngine({ connection, installed, running, system }) {
  if (connection.answers) return 'use';
  if (connection.told !== null) return 'explain-told';
  if (connection.elsewhere !== null) return 'use-elsewhere';
  if (connection.denied) return 'explain-denied';
  if (running) return 'wait';
  if (installed) return !system.root ? 'explain-start' : system.systemd ? 'start-unit' : 'start';
  return mayInstall(system) ? 'install' : 'explain-install';
}

/**
 * Ends with an engine that answers and a client that reaches it, or throws what the person has to do.
 * An engine found at an unnamed address is named in this process's DOCKER_HOST, for what it runs later.
 * @param {{ report: import('./report.mjs').Report, system: import('./system.mjs').System }} context
 */
export async function ensureEngine({ report, system }) {
  let connection = await probeConnection();
  for (let round = 0; round < 3; round += 1) {
    const seen = { connection, installed: daemonInstalled(), running: daemonRunning(), system };
    const decision = decideEngine(seen);
    if (decision === 'use') break;
    if (decision === 'use-elsewhere') {
      process.env.DOCKER_HOST = connection.elsewhere ?? undefined;
      break;
    }
    await act(decision, seen, report);
    if (report.dryRun) return;
    connection = await probeConnection();
  }
  if (!connection.client) await ensureClient({ report, system });
}

/**
 * @param {ReturnType<typeof decideEngine>} decision
 * @param {Parameters<typeof decideEngine>[0]} seen
 * @param {import('./report.mjs').Report} report
 */
async function act(decision, { connection, system }, report) {
  switch (decision) {
    case 'install':
      return report.step('install docker.io and iptables with apt', 'no Docker engine is installed', () =>
        install(['docker.io', 'iptables']),
      );
    case 'start':
      return report.step('start dockerd', 'the Docker engine is installed and not running', startDaemon);
    case 'start-unit':
      return report.step('start docker.service', 'the Docker engine is installed and not running', startUnit);
    case 'wait':
      return report.step('wait for dockerd', 'it runs and does not answer yet', waitWhileItRuns);
    default:
      throw new SetupProblem(...explain(decision, connection, system));
  }
}

/**
 * @param {string} decision
 * @param {import('./client.mjs').Connection} connection
 * @param {import('./system.mjs').System} system
 * @returns {[message: string, hint: string]}
 */
export function explain(decision, connection, system) {
  if (decision === 'explain-told') {
    return [
      `No Docker engine answers at ${connection.told}, which DOCKER_HOST or the Docker context names. ${connection.detail}`.trim(),
      'Start that engine, or unset DOCKER_HOST and run "docker context use default".',
    ];
  }
  if (decision === 'explain-denied') {
    return [
      'A Docker engine is running, but this user may not use it (/var/run/docker.sock: permission denied).',
      'Run "sudo usermod -aG docker $USER", then log out and in again.',
    ];
  }
  if (decision === 'explain-start') {
    return ['The Docker engine is installed but not running.', 'Run "sudo systemctl start docker".'];
  }
  return ['There is no Docker engine on this machine.', installHint(system)];
}

/** @param {import('./system.mjs').System} system */
function installHint(system) {
  if (system.platform !== 'linux') {
    return 'Install Docker Desktop (https://docs.docker.com/get-started/get-docker/) and start it.';
  }
  if (system.distribution !== null) {
    return `Run ${asRoot}, which installs it with apt; or install it by hand: https://docs.docker.com/engine/install/`;
  }
  return 'Install Docker Engine with the Compose plugin: https://docs.docker.com/engine/install/';
}

/** @param {{ report: import('./report.mjs').Report, system: import('./system.mjs').System }} context */
async function ensureClient({ report, system }) {
  if (!mayInstall(system)) {
    throw new SetupProblem('There is a Docker engine, but no "docker" command.', installHint(system));
  }
  await report.step('install the docker command with apt', 'there is an engine, but no client', async () => {
    await updateLists();
    // Debian 13 and later have it in a package of its own.
    await install([(await candidate('docker-cli')) === null ? 'docker.io' : 'docker-cli']);
  });
}
