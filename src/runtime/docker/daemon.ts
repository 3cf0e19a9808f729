/** The engine's own process, where it is on this machine: systemd's, or one that was started by hand, as `npm run setup` does. */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { execa } from 'execa';
import type { Connection } from './connect.ts';
import { within } from '../../shared/within.ts';
import { FtcError } from '../../errors.ts';
import { ownPackage } from '../../package.ts';
import { isAlive, type ProcessId } from '../../shared/process-id.ts';
import { dropCommand, type EngineCommand, keepCommand, keptCommand } from './engine-command.ts';
import { engineProcess } from './engine-process.ts';
import type { EngineHands, EngineRun, Start } from '../faults.ts';

const UNIT = 'docker.service';
const LOOK_MS = 100;
/** It stops its containers first, each with the time that it is granted. */
const END_MS = 180_000;
const START_MS = 90_000;

/** scripts/setup/engine-start.mjs, which the package carries as it is. */
interface EngineScript {
  readonly startDaemon: (how?: { socket: string } & Partial<EngineCommand>) => Promise<void>;
}

export function createDaemon({ host, docker }: Connection): EngineHands {
  return {
    async look() {
      const { OperatingSystem } = (await docker.info()) as { OperatingSystem?: string };
      const why = refusal(host.url, OperatingSystem ?? '', process.platform, process.getuid?.());
      if (why !== null) throw cannot(why);
      const socket = socketOf(host.url);
      const found = await engineProcess(socket);
      if (typeof found === 'string') throw cannot(found);
      const how = await howStarted(found.pid);
      if (typeof how !== 'string') throw cannot(how.why);
      const run = { how, socket };
      return { run, end: signal => endEngine(run, found, signal) };
    },
    start: run => startEngine(run, () => answers(docker)),
  };
}

/** Ends this process and no other, whoever answers at the socket by now. */
async function endEngine(run: EngineRun, its: ProcessId, signal: string): Promise<void> {
  const isGone = (): Promise<boolean> => Promise.resolve(isAlive(its) === false);
  if (await isGone()) return;
  if (run.how === 'systemd') {
    // Stopping waits for its end, which a signal does not.
    const stop = ['stop', UNIT];
    const kill = ['kill', '--kill-who=main', `--signal=${signal}`, UNIT];
    await execa('systemctl', signal === 'SIGTERM' ? stop : kill);
  } else {
    keepCommand(run.socket, its.pid);
    process.kill(its.pid, signal);
    // While it ends it still answers, and holds what the next one needs.
    await until(END_MS, 'it does not end', isGone);
  }
}

/**
 * Starts it as it was started before if it does not answer, and waits until it does.
 * @throws FtcError FTC_ENGINE_GONE when it does not; FTC_CANNOT where nothing tells how it was started
 */
export async function startEngine(
  { how, socket }: EngineRun,
  answers: () => Promise<boolean>,
): Promise<void> {
  if (how === 'systemd') await execa('systemctl', ['start', UNIT]);
  else if (!(await answers())) {
    const command = keptCommand(socket);
    if (command === null && !isUsual(socket))
      throw new FtcError('FTC_CANNOT', `nothing tells how the engine at ${socket} was started`, {
        hint: 'Start it as you did before, and run "ftc chaos heal" again.',
      });
    await (await script()).startDaemon({ socket, ...command });
  }
  await until(START_MS, 'it does not answer', answers);
  if (how === 'process') dropCommand(socket);
}

/** Why an engine is not to be restarted from here; null where it may be. Pure. */
export function refusal(
  url: string,
  system: string,
  platform: string,
  uid: number | undefined,
): string | null {
  if (/Docker Desktop/i.test(system)) return 'it is Docker Desktop, which starts its engine itself';
  if (platform !== 'linux' || !url.startsWith('unix://')) return `it is at ${url}, not on this machine`;
  return uid === 0 ? null : 'only root can';
}

/**
 * How a process runs that is in the systemd unit `unit`, whose main process is `main`; null where there is none. Otherwise why it
 * cannot be started again. Pure.
 */
export function startOf(
  pid: number,
  unit: string | null,
  main: number | null,
): Start | { readonly why: string } {
  // A unit that it is in may only be the one that somebody's shell runs in.
  if (unit === null || main !== pid) return 'process';
  return unit === UNIT ? 'systemd' : { why: `systemd runs it as ${unit}, not as ${UNIT}` };
}

async function howStarted(pid: number): Promise<ReturnType<typeof startOf>> {
  if (!existsSync('/run/systemd/system')) return 'process';
  const unit = /\/([^/\n]+\.service)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? null;
  if (unit === null) return 'process';
  const asked = await execa('systemctl', ['show', '--property=MainPID', '--value', unit], { reject: false });
  return startOf(pid, unit, asked.failed ? null : Number(asked.stdout));
}

/** One path for one socket: /var/run leads to /run. */
export function socketOf(url: string): string {
  const path = url.slice('unix://'.length);
  const folder = dirname(path);
  return existsSync(folder) ? join(realpathSync(folder), basename(path)) : path;
}

const isUsual = (socket: string): boolean => socket === socketOf('unix:///var/run/docker.sock');

const cannot = (why: string): FtcError =>
  new FtcError('FTC_CANNOT', `the engine cannot be restarted from here: ${why}`, {
    hint: 'Restart it yourself while the job runs, as "sudo systemctl restart docker" does; the job continues.',
  });

const script = async (): Promise<EngineScript> =>
  (await import(
    pathToFileURL(join(ownPackage().root, 'scripts/setup/engine-start.mjs')).href
  )) as EngineScript;

async function until(ms: number, problem: string, test: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + ms;
  while (!(await test())) {
    if (performance.now() > end)
      throw new FtcError('FTC_ENGINE_GONE', `the engine was ended and is to start again: ${problem}`, {
        hint: '"npm run setup", or "sudo systemctl start docker", starts it; the job resumes from its latest checkpoint.',
      });
    await sleep(LOOK_MS);
  }
}

const answers = (docker: Connection['docker']): Promise<boolean> =>
  within(LOOK_MS * 10, docker.ping()).then(
    () => true,
    () => false,
  );
