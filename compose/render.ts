/** A job as a Compose project. Pure, and the same to the byte for the same job: Compose recreates what has changed. */
import { ftcLabels } from '../src/shared/names.ts';
import { stringify } from 'yaml';
import type { Job } from '../src/job/job.ts';
import type { LoadedJob } from '../src/job/load.ts';
import { ownPackage } from '../src/package.ts';
import type { Credentials } from './credentials.ts';
import { cacheVolume, dataCredentials } from './data.ts';
import { hookSecret, hookSecrets } from './hooks.ts';
import { memberVolumes } from './members.ts';
import type { Place } from './place.ts';
import { requirementsSecrets } from './requirements.ts';
import { s3Credentials } from './s3.ts';
import { master, supervisor, worker, type Service } from './services.ts';
import { nodeVolumes } from './node.ts';
import { store, storeName, storeVolume } from './store.ts';

export interface ComposeFile {
  readonly name: string;
  readonly services: {
    readonly master: Service;
    readonly worker: Service;
    readonly supervisor: Service;
    readonly s3?: Service;
  };
  readonly volumes: Readonly<Record<string, Service>>;
  readonly networks: { readonly default: Service };
  readonly secrets?: Credentials['definitions'];
}

export interface Rendered {
  readonly file: ComposeFile;
  readonly yaml: string;
}

export function render({ job, projectDir, user, needs, hidden }: LoadedJob): Rendered {
  const { root: packageRoot, version } = ownPackage();
  const place = { projectDir, packageRoot, version, user, ...needs, ...(hidden && { hidden }) };
  const file = composeFile(job, place);
  return { file, yaml: toYaml(file) };
}

export function composeFile(job: Job, place: Place): ComposeFile {
  const labels = { [ftcLabels.job]: job.name };
  const secrets = {
    ...s3Credentials(job, place).definitions,
    ...dataCredentials(job, place).definitions,
    ...requirementsSecrets(job, place),
    ...hookSecrets(job.hooks),
  };
  const s3 = store(job, place);
  const volumes = {
    ...(job.checkpoint.dir === null && { checkpoints: { labels } }),
    ...memberVolumes(labels),
    ...(job.data !== null && { [cacheVolume]: { labels } }),
    ...nodeVolumes(job, labels),
    ...(s3 !== null && { [storeName]: storeVolume(job) }),
  };
  return {
    name: job.name,
    services: {
      master: master(job, place, s3 !== null),
      worker: worker(job, place),
      supervisor: supervisor(job, place),
      ...(s3 !== null && { s3 }),
    },
    volumes,
    networks: { default: { labels } },
    ...(Object.keys(secrets).length > 0 && { secrets }),
  };
}

const header = `# A fault-tolerant training job, rendered by "ftc config"; edit ftc.yaml instead.
#
#   docker compose up --scale worker=3     trains; kill any container, and it goes on
#   docker compose logs -f worker          what the workers print
#   curl http://127.0.0.1:7070/status      how far it is
#   docker compose down                    stops it; the checkpoints stay (--volumes removes them)
#
# The engine and the machine decide three things, from the environment of "docker compose":
# FTC_BASE_IMAGE (what the images are built on), FTC_PORT (of the master, on 127.0.0.1) and
# FTC_DOCKER_SOCKET (the engine's own, for the supervisor).
`;

const storeHeader = `#
# The service "s3", a store to try it with, starts with: docker compose --profile s3 up
# FTC_S3_PORT is its port on 127.0.0.1; without, it is any free one.
`;

const hooksHeader = `#
# FTC_HOOKS_FILE names the file with the URLs of the job's hooks; "ftc up" sets it by itself.
`;

export function toYaml(file: ComposeFile): string {
  return (
    header +
    (file.secrets?.[hookSecret] ? hooksHeader : '') +
    (file.services.s3 ? storeHeader : '') +
    stringify(file, { aliasDuplicateObjects: false, lineWidth: 0, compat: 'yaml-1.1' })
  );
}
