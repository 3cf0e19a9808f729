/** What faults work with, on a real engine; and where a job's journal may lie. */
import type { Connection } from '../src/docker/connect.ts';
import { DockerLab } from '../src/docker/dockerode-lab.ts';
import type { Container } from '../src/docker/engine.ts';
import { createDaemon } from './daemon.ts';
import type { World } from './faults/fault.ts';
import { helperImage } from './helper/image.ts';

const DIRECTORY = 'com.docker.compose.project.working_dir';

/** @param say what takes its time, such as building the helper's image */
export function createWorld(connection: Connection, say: (line: string) => void): World {
  let image: Promise<string> | null = null;
  return {
    engine: connection.engine,
    lab: new DockerLab(connection.docker),
    image: () => (image ??= helperImage(connection, say)),
    daemon: createDaemon(connection),
  };
}

/** Beside the saved project; where that is not on this machine, here. */
export function journalFolders(containers: readonly Container[], cwd = process.cwd()): string[] {
  const folders = containers.map(c => c.labels[DIRECTORY]).filter(folder => folder !== undefined);
  return [...new Set([...folders, cwd])];
}
