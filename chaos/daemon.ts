/** The engine's own process, where it is on this machine and ours: systemd's, or the one that `npm run setup` starts. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { execa } from 'execa';
import type { Connection } from '../src/docker/connect.ts';
import { FtcError } from '../src/errors.ts';
import { ownPackage } from '../src/package.ts';
import type { Daemon } from './faults/fault.ts';

const PIDFILE = '/var/run/docker.pid';
const UNIT = 'docker.service';

/** scripts/setup/engine-start.mjs, which the package carries as it is. */
interface EngineScript {
  readonly holdsPid: (file: string, program: string) => boolean;
  readonly startDaemon: () => Promise<void>;
}

export function createDaemon({ host, docker }: Connection): Daemon {
  const running = async (): Promise<boolean> => (await script()).holdsPid(PIDFILE, 'dockerd');
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
      if (how === 'systemd')
        await execa('systemctl', ['kill', '--kill-who=main', `--signal=${signal}`, UNIT]);
      else if (await running()) process.kill(Number(readFileSync(PIDFILE, 'utf8')), signal);
    },
    async start(how) {
      if (how === 'systemd') await execa('systemctl', ['start', UNIT]);
      else await (await script()).startDaemon();
    },
  };
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

const script = async (): Promise<EngineScript> =>
  (await import(
    pathToFileURL(join(ownPackage().root, 'scripts/setup/engine-start.mjs')).href
  )) as EngineScript;

async function succeeds(file: string, args: readonly string[]): Promise<boolean> {
  return !(await execa(file, [...args], { reject: false, stdin: 'ignore' })).failed;
}
