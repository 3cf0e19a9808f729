import { request } from 'node:http';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { run } from './run.mjs';

/**
 * @typedef {{
 *   client: boolean, answers: boolean, denied: boolean, elsewhere: string | null, told: string | null, detail: string,
 * }} Connection
 *   `client`: there is a `docker` command. `answers`: it reaches an engine. `denied`: there is one that this user may
 *   not use. `told`: the address that DOCKER_HOST or a Docker context names, null for the default socket. `elsewhere`:
 *   the address of an engine that answers although nobody named it (rootless, Docker Desktop, …).
 */

/** @returns {Promise<Connection>} */
export async function probeConnection() {
  const version = await run('docker', ['version', '--format', '{{.Server.Version}}'], { timeoutMs: 15_000 });
  const client = !version.missing;
  const detail = version.stderr.trim();
  const told = await toldAddress(client);
  const state = version.ok ? 'answers' : told === null ? await ping(defaultSocket) : 'silent';
  let elsewhere = null;
  if (!version.ok && told === null && state !== 'answers') {
    for (const path of otherSockets(process.env, homedir())) {
      if ((await ping(path)) === 'answers') elsewhere ??= `unix://${path}`;
    }
  }
  return { client, answers: state === 'answers', denied: state === 'denied', elsewhere, told, detail };
}

export const defaultSocket = '/var/run/docker.sock';

/**
 * Where engines listen that are not the system's: rootless, Docker Desktop, Rancher Desktop, Colima.
 * @param {NodeJS.ProcessEnv} env
 * @param {string} home
 */
export function otherSockets(env, home) {
  const runtime = env.XDG_RUNTIME_DIR;
  return [
    ...(runtime === undefined || runtime === '' ? [] : [join(runtime, 'docker.sock')]),
    join(home, '.docker/run/docker.sock'),
    join(home, '.docker/desktop/docker.sock'),
    join(home, '.rd/docker.sock'),
    join(home, '.colima/default/docker.sock'),
  ];
}

/** @param {boolean} client */
async function toldAddress(client) {
  if (process.env.DOCKER_HOST) return process.env.DOCKER_HOST;
  if (!client) return null;
  const { ok, stdout } = await run('docker', [
    'context',
    'inspect',
    '--format',
    '{{.Endpoints.docker.Host}}',
  ]);
  const address = stdout.trim();
  return ok && address !== '' && address !== `unix://${defaultSocket}` ? address : null;
}

/**
 * @param {string} socketPath
 * @returns {Promise<'answers' | 'denied' | 'silent'>}
 */
export function ping(socketPath) {
  return new Promise(resolve => {
    const call = request({ socketPath, path: '/_ping', timeout: 3000 }, response => {
      response.resume();
      resolve(response.statusCode === 200 ? 'answers' : 'silent');
    });
    call.on('timeout', () => call.destroy());
    call.on('error', error => resolve('code' in error && error.code === 'EACCES' ? 'denied' : 'silent'));
    call.end();
  });
}

/**
 * Points what this process runs at the engine that setup would use, where only looking around finds it.
 * @param {Connection} [connection]
 */
export async function followConnection(connection) {
  const { answers, elsewhere } = connection ?? (await probeConnection());
  if (!answers && elsewhere !== null) process.env.DOCKER_HOST = elsewhere;
}
