/** A job's volumes. */
import type Docker from 'dockerode';
import { FtcError } from '../../../errors.ts';

/** Resolves for one that is gone. @throws FtcError FTC_ENGINE_FAILED where it is in use */
export async function removeVolume(docker: Docker, volume: string): Promise<void> {
  try {
    await docker.getVolume(volume).remove();
  } catch (cause) {
    const { statusCode } = cause as { statusCode?: number };
    if (statusCode === 404) return;
    if (statusCode !== 409) throw cause;
    const hint = `"docker ps --all --filter volume=${volume}" names who uses it.`;
    throw new FtcError('FTC_ENGINE_FAILED', `the volume ${volume} is in use and is not removed`, {
      hint,
      cause,
    });
  }
}
