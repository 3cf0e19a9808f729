/**
 * The layer of the workers' image that has the job's requirements. Its build is given the file, pip's settings and certificates as
 * build secrets, of which nothing stays in the image, and the proxies as the arguments that Docker itself keeps out of it.
 */
import type { Job } from '../src/job/job.ts';
import { hostPath, type Place } from './place.ts';
import { variable } from './literal.ts';

/** Variables of Compose's environment that name files for a build: of pip's settings, and of certificates. */
export const pipVariables = { settings: 'FTC_PIP_SETTINGS', certificates: 'FTC_PIP_CERTIFICATES' } as const;

const proxies = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'];
const names = { file: 'requirements', settings: 'pip-settings', certificates: 'pip-certificates' };

export interface ImageLayer {
  /** At the end of the image's name: an unchanged file is not built again. */
  readonly suffix: string;
  readonly target: string;
  readonly args: Readonly<Record<string, string | null>>;
  readonly secrets: readonly string[];
}

/** Null for a job without requirements. */
export function requirementsLayer({ requirements: digest }: Place): ImageLayer | null {
  if (digest == null) return null;
  return {
    suffix: `-pip-${digest.slice(0, 8)}`,
    target: 'requirements',
    args: { REQUIREMENTS: digest, ...Object.fromEntries(proxies.map(name => [name, null])) },
    secrets: Object.values(names),
  };
}

export function requirementsSecrets({ requirements }: Job, place: Place): Record<string, { file: string }> {
  if (requirements === null) return {};
  return {
    [names.file]: { file: hostPath(place, requirements) },
    [names.settings]: { file: variable(pipVariables.settings, '/dev/null') },
    [names.certificates]: { file: variable(pipVariables.certificates, '/dev/null') },
  };
}
