/** The engine's own process, where it is on this machine and ours: systemd's, or the one that `npm run setup` starts. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { execa } from 'execa';
import type { Connection } from '../src/docker/connect.ts';
import { within } from '../src/docker/within.ts';
import { FtcError } from '../src/errors.ts';
import { ownPackage } from '../src/package.ts';
import type { Daemon, Start } from './faults/fault.ts';

const PIDFILE = '/var/run/docker.pid';
const UNIT = 'docker.service';
const LOOK_MS = 100;
/** It stops its containers first, each with the time that it is granted. */
const END_MS = 180_000;
const START_MS = 90_000;

/** scripts/setup/engine-start.mjs, which the package carries as it is. */
interface EngineScript {
  readonly holdsPid: (file: string, program: string) => boolean;
  readonly startDaemon: () => Promise<void>;
}

export function createDaemon({ host, docker }: Connection): Daemon {
  return {
    async look() {
      const { OperatingSystem } = (await docker.info()) as { OperatingSystem?: string };
      const why = refusal(host.url, OperatingSystem ?? '', process.platform, process.getuid?.());
      if (why !== null) throw cannot(why);
      if (existsSync('/run/systemd/system')) {
        if (await succeeds('systemctl', ['is-active', '--quiet', UNIT])) return 'systemd';
        throw cannot(`systemd does not run it as ${UNIT}`);
      }
      if (await running()) return 'process';
      throw cannot(`${PIDFILE} names no dockerd that runs`);
    },
    async kill(how, signal) {
      if (how === 'systemd') {
        // Stopping waits for its end, which a signal does not.
        const stop = ['stop', UNIT];
        const kill = ['kill', '--kill-who=main', `--signal=${signal}`, UNIT];
        await execa('systemctl', signal === 'SIGTERM' ? stop : kill);
      } else if (await running()) {
        process.kill(Number(readFileSync(PIDFILE, 'utf8')), signal);
        // While it ends it still answers, and holds what the next one needs.
        await until(END_MS, 'it does not end', async () => !(await running()));
      }
    },
    start: how => startEngine(how, () => answers(docker)),
  };
}

/** Starts it if it does not run, and waits until it answers. @throws FtcError FTC_ENGINE_GONE when it does not */
export async function startEngine(how: Start, answers: () => Promise<boolean>): Promise<void> {
  if (how === 'systemd') await execa('systemctl', ['start', UNIT]);
  else if (!(await running())) await (await script()).startDaemon();
  await until(START_MS, 'it does not answer', answers);
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
  if (!/^unix:\/\/(\/var)?\/run\/docker\.sock$/.test(url)) return `${url} is not the system's own engine`;
  return uid === 0 ? null : 'only root can';
}

const cannot = (why: string): FtcError =>
  new FtcError('FTC_CANNOT', `the engine cannot be restarted from here: ${why}`, {
    hint: 'Restart it yourself while the job runs, as "sudo systemctl restart docker" does; the job goes on.',
  });

const running = async (): Promise<boolean> => (await script()).holdsPid(PIDFILE, 'dockerd');

const script = async (): Promise<EngineScript> =>
  (await import(
    pathToFileURL(join(ownPackage().root, 'scripts/setup/engine-start.mjs')).href
  )) as EngineScript;

async function until(ms: number, problem: string, test: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + ms;
  while (!(await test())) {
    if (performance.now() > end)
      throw new FtcError('FTC_ENGINE_GONE', `the engine was ended and is to start again: ${problem}`, {
        hint: '"npm run setup", or "sudo systemctl start docker", starts it; the job goes on from its latest checkpoint.',
      });
    await sleep(LOOK_MS);
  }
}

const answers = (docker: Connection['docker']): Promise<boolean> =>
  within(LOOK_MS * 10, docker.ping()).then(
    () => true,
    () => false,
  );

async function succeeds(file: string, args: readonly string[]): Promise<boolean> {
  return !(await execa(file, [...args], { reject: false, stdin: 'ignore' })).failed;
}
