/** What faults work with, on a real engine. */
import { capabilities, type FaultHands } from '../faults.ts';
import type { Connection } from './connect.ts';
import { createDaemon } from './daemon.ts';
import { DockerLab } from './dockerode-lab.ts';
import { helperImage } from './helper-image.ts';

/** @param say what takes its time, such as building the helper's image */
export function dockerFaults(connection: Connection, say: (line: string) => void): FaultHands {
  const { engine, docker } = connection;
  const lab = new DockerLab(docker);
  let built: Promise<string> | null = null;
  const image = (): Promise<string> => (built ??= helperImage(connection, say));
  return {
    capabilities: new Set(capabilities),
    async prepare() {
      await image();
    },
    pause: id => engine.pause(id),
    unpause: id => engine.unpause(id),
    remove: id => engine.remove(id),
    restart: (id, graceSeconds) => lab.restart(id, graceSeconds),
    exec: (id, command, options) => lab.exec(id, command, options),
    listen: (id, command, signal, options) => lab.listen(id, command, signal, options),
    limits: id => lab.limits(id),
    limit: (id, limits) => lab.limit(id, limits),
    memory: id => lab.memory(id),
    mount: (id, path) => lab.mount(id, path),
    volume: (project, key) => lab.volume(project, key),
    user: id => lab.user(id),
    spawn: async spec => lab.spawn(await image(), spec),
    helpers: project => lab.helpers(project),
    dismiss: id => lab.dismiss(id),
    engine: createDaemon(connection),
  };
}
