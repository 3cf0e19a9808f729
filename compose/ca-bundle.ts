/** By which authorities a service trusts a store's certificate: a file of the host, mounted for it. */
import { hostPath, type Place } from './place.ts';

export interface Bundle {
  /** To be added to the service's environment. AWS's SDKs and boto3 call it so. */
  readonly environment: Readonly<Record<string, string>>;
  /** To be added to the service's volumes. */
  readonly volumes: readonly object[];
}

/**
 * @param path absolute; null where those that are known will do
 * @param name what it is called in the container, such as `checkpoint-s3`
 */
export function bundleFor(path: string | null, name: string, place: Place): Bundle {
  if (path === null) return { environment: {}, volumes: [] };
  const target = `/etc/ftc/${name}-ca.pem`;
  const source = hostPath(place, path);
  return {
    environment: { AWS_CA_BUNDLE: target },
    volumes: [{ type: 'bind', source, target, read_only: true, bind: { create_host_path: false } }],
  };
}
