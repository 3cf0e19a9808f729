/**
 * What makes a container a member of the job: a volume for the master alone, with the job's secret and its journal in it, and one
 * for each other role, into which the master puts that role's key (src/protocol/membership-proof.ts).
 */
import type { Service } from './services.ts';

const ofMaster = {
  master: '/var/lib/ftc/master',
  'worker-key': '/var/lib/ftc/worker-key',
  'supervisor-key': '/var/lib/ftc/supervisor-key',
} as const;
const ofMember = '/run/ftc';

/** As Compose knows them in the project. */
export const memberVolumeNames: readonly string[] = Object.keys(ofMaster);

export const masterPlace = (): string[] =>
  Object.entries(ofMaster).map(([volume, mount]) => `${volume}:${mount}`);

export const memberKey = (role: 'worker' | 'supervisor'): string => `${role}-key:${ofMember}:ro`;

/** For the project's `volumes`. */
export const memberVolumes = (labels: Readonly<Record<string, string>>): Record<string, Service> =>
  Object.fromEntries(memberVolumeNames.map(volume => [volume, { labels }]));
