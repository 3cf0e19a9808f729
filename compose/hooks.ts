/**
 * What the master is told of hooks: the names of those that have a URL, and a file with the URLs, mounted as a secret. Compose's
 * environment says where that file is, so nothing that is rendered leads to a URL.
 */
import { type Hooks, withUrls } from '../src/job/hooks.ts';
import type { Job } from '../src/job/job.ts';
import { bundleFor } from './ca-bundle.ts';
import { variable } from './literal.ts';
import type { Place } from './place.ts';
import type { Service } from './services.ts';

/** Names the file for `docker compose`; `ftc up` writes it. */
export const hookFileVariable = 'FTC_HOOKS_FILE';
/** What the project calls it. */
export const hookSecret = 'hooks';

/** For the master's service; empty where no hook has a URL. */
export function hookParts({ hooks }: Pick<Job, 'hooks'>, place: Place) {
  const names = withUrls(hooks);
  if (names.length === 0) return { environment: {}, secrets: [], volumes: [], service: {} };
  const { volumes } = bundleFor(hooks.caBundle, hookSecret, place);
  const service: Service = {
    // A server on the machine itself has a name, as it has in Docker Desktop.
    extra_hosts: ['host.docker.internal:host-gateway'],
  };
  return {
    environment: {
      FTC_HOOKS: names.join(','),
      ...(hooks.caBundle !== null && { FTC_HOOKS_CA: `/etc/ftc/${hookSecret}-ca.pem` }),
    },
    secrets: [hookSecret],
    volumes,
    service,
  };
}

/** For the project's `secrets`. Without `ftc up` the file is empty, and the master says so. */
export function hookSecrets(hooks: Hooks): Record<string, { file: string }> {
  return withUrls(hooks).length === 0
    ? {}
    : { [hookSecret]: { file: variable(hookFileVariable, '/dev/null') } };
}
