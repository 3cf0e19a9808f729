import { spawn } from 'node:child_process';
import { existsSync, openSync, readFileSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultSocket, ping } from './client.mjs';
import { SetupProblem } from './report.mjs';
import { lastLines, run } from './run.mjs';

const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const logFile = '/var/log/dockerd.log';
const pidFiles = { dockerd: '/var/run/docker.pid', containerd: '/var/run/docker/containerd/containerd.pid' };
const startTimeoutMs = 90_000;

export const daemonInstalled = () =>
  process.platform === 'linux' &&
  [...systemPath.split(':'), ...(process.env.PATH ?? '').split(delimiter)].some(
    folder => folder !== '' && existsSync(join(folder, 'dockerd')),
  );

export const daemonRunning = () => process.platform === 'linux' && holdsPid(pidFiles.dockerd, 'dockerd');

/**
 * Whether the process that a pid file names is there and is the program that the file is for. A number alone proves
 * nothing: after a kill or a reboot it may be anybody's.
 * @param {string} file
 * @param {string} program
 * @param {string} [proc]
 */
export function holdsPid(file, program, proc = '/proc') {
  const pid = existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
  const comm = join(proc, pid, 'comm');
  if (!/^\d+$/.test(pid) || !existsSync(comm)) return false;
  return readFileSync(comm, 'utf8').trim() === program && !isDead(join(proc, pid, 'stat'));
}

/**
 * Killed, and not yet taken note of by its parent: it holds its number, and nothing else.
 * @param {string} stat
 */
function isDead(stat) {
  // The state stands behind the name, which is in parentheses and may hold any character.
  return existsSync(stat) && /\) [ZX] [^)]*$/.test(readFileSync(stat, 'utf8'));
}

/** Removes the pid files of a killed engine, which would keep the next one from starting. */
function removeStalePidFiles() {
  for (const [program, file] of Object.entries(pidFiles))
    if (!holdsPid(file, program)) rmSync(file, { force: true });
}

/** Starts the engine where no init system does: in a session of its own, so that it outlives whoever asked for it. */
export async function startDaemon() {
  removeStalePidFiles();
  const log = openSync(logFile, 'a');
  const { HOME, HTTP_PROXY, HTTPS_PROXY, NO_PROXY, http_proxy, https_proxy, no_proxy } = process.env;
  const env = {
    PATH: systemPath,
    HOME,
    HTTP_PROXY,
    HTTPS_PROXY,
    NO_PROXY,
    http_proxy,
    https_proxy,
    no_proxy,
  };
  const child = spawn('dockerd', [], { cwd: '/', env, detached: true, stdio: ['ignore', log, log] });
  let ended = false;
  child.on('exit', () => (ended = true));
  child.on('error', () => (ended = true));
  child.unref();
  // Another setup may have been quicker: then ours ends, and theirs is waited for.
  await waitForEngine(() => ended && !daemonRunning());
}

export async function startUnit() {
  const result = await run('systemctl', ['start', 'docker']);
  if (!result.ok)
    throw new SetupProblem(
      `docker.service does not start:\n${lastLines(result)}`,
      'See "journalctl -u docker".',
    );
  await waitForEngine();
}

/** Returns when it answers, or when it is no longer there: one that was just killed may look alive for a moment. */
export async function waitWhileItRuns() {
  let gone = false;
  try {
    await waitForEngine(() => (gone = !daemonRunning()));
  } catch (error) {
    if (!gone) throw error;
  }
}

/** @param {() => boolean} [gaveUp] */
async function waitForEngine(gaveUp = () => false) {
  const deadline = performance.now() + startTimeoutMs;
  while ((await ping(defaultSocket)) !== 'answers') {
    if (gaveUp() || performance.now() > deadline) {
      const log = existsSync(logFile) ? readFileSync(logFile, 'utf8') : '';
      throw new SetupProblem(
        `dockerd does not answer on ${defaultSocket}. The end of its log:\n${lastLines({ stdout: log, stderr: '' })}`,
        `The whole log is ${logFile}.`,
      );
    }
    await sleep(100);
  }
}
