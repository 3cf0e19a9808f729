/** The master's process. */
import { hostname } from 'node:os';
import { z } from 'zod';
import { createLogger } from '../shared/log.ts';
import { readConfig } from './config.ts';
import { serveHttp } from './http.ts';
import { Master } from './master.ts';
import { DRAIN_MS } from './s3/mirror.ts';
import { makeToken } from './token.ts';
import { openVolume } from './volume/open.ts';
import { openOwnPlace } from './volume/own-place.ts';

const log = createLogger('master', process.env['JOB_ID'] ?? 'unknown');

/** The engine grants ten seconds before it kills, and to a job with S3 as many more as Compose is told (compose/services.ts). */
const CLOSE_MS = 5_000;

try {
  const config = readConfig(process.env);
  const { job, container, checkpoints: policy } = config;
  const { folders, placeOfFolder: place } = config;
  const own = openOwnPlace({ job, folders, place, warn: text => log.warn(text) });
  const volume = await openVolume({ job, container, policy, own, ...config.volume });
  const master = new Master(config, log, volume, own.keys);
  const names = ['master', hostname(), `${config.project}-master-1`].map(name => name.toLowerCase());
  const http = await serveHttp(master.api, { port: config.httpPort, token: makeToken(), names });
  await master.start();
  log.info({ control: config.controlPort, http: config.httpPort }, 'master listens');
  const closeMs = CLOSE_MS + (config.s3 === null ? 0 : DRAIN_MS);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      log.info({ signal }, 'the master stops; training continues without it');
      http.closeAllConnections();
      http.close();
      // Whoever waits for it starts another one: it must not take longer, whatever it waits for itself.
      setTimeout(() => {
        log.warn({ signal }, 'something does not end; the master goes without it');
        process.exit(0);
      }, closeMs).unref();
      void master.close().then(() => process.exit(0));
    });
  }
} catch (error) {
  if (error instanceof z.ZodError) log.fatal(`the environment is wrong: ${z.prettifyError(error)}`);
  else log.fatal({ err: error }, 'the master cannot start');
  process.exit(1);
}
