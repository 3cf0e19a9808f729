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

/**
 * Where a dockerd with these arguments keeps its pid file, and its containerd's.
 * @param {readonly string[]} args
 */
export function pidFilesOf(args) {
  const given = Object.fromEntries(
    args.map((arg, index) => {
      const [flag = '', ...value] = arg.split('=');
      return [flag, value.length > 0 ? value.join('=') : args[index + 1]];
    }),
  );
  const execRoot = given['--exec-root'];
  return {
    dockerd: given['--pidfile'] ?? given['-p'] ?? pidFiles.dockerd,
    containerd: execRoot === undefined ? pidFiles.containerd : join(execRoot, 'containerd/containerd.pid'),
  };
}

/**
 * Removes the pid files of a killed engine, which would keep the next one from starting.
 * @param {ReturnType<typeof pidFilesOf>} files
 */
function removeStalePidFiles(files) {
  for (const [program, file] of Object.entries(files))
    if (!holdsPid(file, program)) rmSync(file, { force: true });
}

/**
 * Starts an engine where no init system does: in a session of its own, so that it outlives whoever asked for it.
 * @param {{ args?: readonly string[], socket?: string, log?: string | null }} [how] Default: the system's own engine
 */
export async function startDaemon({ args = [], socket = defaultSocket, log } = {}) {
  const files = pidFilesOf(args);
  removeStalePidFiles(files);
  const output = openSync(log ?? logFile, 'a');
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
  const child = spawn('dockerd', args, { cwd: '/', env, detached: true, stdio: ['ignore', output, output] });
  let ended = false;
  child.on('exit', () => (ended = true));
  child.on('error', () => (ended = true));
  child.unref();
  // Another one may have been quicker: then ours ends, and theirs is waited for.
  await waitForEngine(() => ended && !holdsPid(files.dockerd, 'dockerd'), socket, log ?? logFile);
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
async function waitForEngine(gaveUp = () => false, socket = defaultSocket, log = logFile) {
  const deadline = performance.now() + startTimeoutMs;
  while ((await ping(socket)) !== 'answers') {
    if (gaveUp() || performance.now() > deadline) {
      const said = existsSync(log) ? readFileSync(log, 'utf8') : '';
      throw new SetupProblem(
        `dockerd does not answer on ${socket}. The end of its log:\n${lastLines({ stdout: said, stderr: '' })}`,
        `The whole log is ${log}.`,
      );
    }
    await sleep(100);
  }
}
