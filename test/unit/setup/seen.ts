import type { Connection } from '../../../scripts/setup/client.mjs';
import type { decideEngine } from '../../../scripts/setup/engine.mjs';
import type { System } from '../../../scripts/setup/system.mjs';

export type Seen = Parameters<typeof decideEngine>[0];

export const debian12: System = {
  platform: 'linux',
  root: true,
  distribution: 'debian',
  release: 12,
  systemd: false,
};

/** A machine where nothing of Docker is to be seen. */
export const nowhere: Connection = {
  client: false,
  answers: false,
  denied: false,
  elsewhere: null,
  told: null,
  detail: '',
};
