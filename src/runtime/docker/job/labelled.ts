/** Labels on a job's Compose file. Pure. */
import type { ComposeFile } from '../../../../compose/render.ts';
import type { Service } from '../../../../compose/services.ts';

/** The file with `labels` on everything that it makes. */
export function labelled(file: ComposeFile, labels: Readonly<Record<string, string>>): ComposeFile {
  const mark = (thing: Service): Service => ({
    ...thing,
    labels: { ...(thing['labels'] as object), ...labels },
  });
  const { services, volumes, networks } = file;
  return {
    ...file,
    services: {
      master: mark(services.master),
      worker: mark(services.worker),
      supervisor: mark(services.supervisor),
    },
    volumes: Object.fromEntries(Object.entries(volumes).map(([key, volume]) => [key, mark(volume)])),
    networks: { default: mark(networks.default) },
  };
}
