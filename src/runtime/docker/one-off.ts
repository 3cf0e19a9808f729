/** A container for a moment: it gets one mount and nothing else, is talked to over stdin and stdout, and is gone afterwards. */
import { ftcLabels } from '../../shared/names.ts';
import type { Duplex } from 'node:stream';
import type Docker from 'dockerode';
import { FtcError } from '../../errors.ts';
import { Attached } from './attached.ts';
import { engineError, statusOf } from './engine-error.ts';
import { type Mount, toMount } from './mount.ts';

export interface OneOff {
  readonly job: string;
  readonly image: string;
  readonly command: readonly string[];
  /** `uid:gid`. */
  readonly user: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly mount: Mount;
}

export interface RunningOneOff {
  readonly stream: Attached;
  /** Ends it, and returns when the engine has removed it. */
  close(): Promise<void>;
}

/** @throws FtcError FTC_NO_IMAGE, FTC_ENGINE_FAILED, FTC_ENGINE_GONE */
export async function startOneOff(docker: Docker, o: OneOff): Promise<RunningOneOff> {
  const doing = `look into ${o.mount.type === 'volume' ? 'the volume ' : ''}${o.mount.source}`;
  let container: Docker.Container;
  try {
    container = await docker.createContainer(options(o));
  } catch (error) {
    if (statusOf(error) !== 404) throw engineError(error, doing);
    throw new FtcError('FTC_NO_IMAGE', `cannot ${doing}: there is no image ${o.image} to do it with`, {
      hint: 'Build it: ftc config | docker compose -f - build master',
      cause: error,
    });
  }
  try {
    const raw = await container.attach({
      stream: true,
      stdin: true,
      stdout: true,
      stderr: true,
      hijack: true,
    });
    const stream = new Attached(raw as unknown as Duplex);
    // Who asks after it has ended would be told that there never was one.
    const removed = container.wait({ condition: 'removed' }).catch(() => undefined);
    await container.start();
    const close = async (): Promise<void> => {
      stream.destroy();
      await container.remove({ force: true }).catch(() => undefined);
      await removed;
    };
    return { stream, close };
  } catch (error) {
    await container.remove({ force: true }).catch(() => undefined);
    throw engineError(error, doing);
  }
}

function options({ job, image, command, user, environment, mount }: OneOff): Docker.ContainerCreateOptions {
  return {
    Image: image,
    Cmd: [...command],
    User: user,
    Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    Labels: { [ftcLabels.job]: job },
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    OpenStdin: true,
    StdinOnce: true,
    HostConfig: {
      AutoRemove: true,
      Init: true,
      NetworkMode: 'none',
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges:true'],
      ReadonlyRootfs: true,
      // What it prints is a checkpoint, and not to be kept twice.
      LogConfig: { Type: 'none', Config: {} },
      Mounts: [toMount(mount)],
    },
  };
}
