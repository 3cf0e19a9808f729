/** A volume from outside: with plain `docker run`, as a person would look into it or damage it. */
import { execa } from 'execa';
import type { Connection } from '../../src/runtime/docker/connect.ts';
import { smallImage } from './small-image.ts';

/** Runs a shell script with the volume at /v. What it printed. */
export async function inVolume({ docker }: Connection, volume: string, script: string): Promise<string> {
  const { stdout } = await execa(
    'docker',
    [
      'run',
      '--rm',
      '--network',
      'none',
      '--volume',
      `${volume}:/v`,
      '--workdir',
      '/v',
      await smallImage(docker),
      'sh',
      '-euc',
      script,
    ],
    { stdin: 'ignore' },
  );
  return stdout;
}

/** Paths of all files and directories below the volume's root. */
export async function volumeFiles(connection: Connection, volume: string): Promise<string[]> {
  return (await inVolume(connection, volume, 'find . -mindepth 1')).split('\n').filter(line => line !== '');
}
