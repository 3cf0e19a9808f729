/** The supervisor's environment, as compose/ renders it. docs/protocol.md has the table. */
import { ports } from '../shared/names.ts';
import { hostname } from 'node:os';
import { z } from 'zod';
import type { RestartPolicy } from './restarts.ts';

const seconds = (fallback: number) =>
  z.coerce
    .number()
    .nonnegative()
    .default(fallback)
    .transform(s => s * 1000);

const Environment = z.object({
  JOB_ID: z.string().min(1),
  FTC_PROJECT: z.string().min(1),
  FTC_KEY_DIR: z.string().default('/run/ftc'),
  FTC_MASTER: z.string().regex(/^[^:]+:\d+$/, 'must be host:port'),
  MAX_RESTARTS: z.coerce.number().int().nonnegative().default(100),
  FTC_BACKOFF_INITIAL: seconds(0.5),
  FTC_BACKOFF_MAX: seconds(30),
  FTC_BACKOFF_RESET: seconds(60),
});

export interface SupervisorConfig {
  readonly job: string;
  readonly project: string;
  readonly master: { readonly host: string; readonly port: number };
  readonly policy: RestartPolicy;
  readonly id: string;
  /** Where the master puts the supervisor's key. */
  readonly keys: string;
  /** The engine's socket in this container. */
  readonly socket: string;
}

/** Throws a ZodError that names the variable. */
export function readConfig(env: NodeJS.ProcessEnv): SupervisorConfig {
  const e = Environment.parse(env);
  const [host = 'master', port = String(ports.control)] = e.FTC_MASTER.split(':');
  return {
    job: e.JOB_ID,
    project: e.FTC_PROJECT,
    master: { host, port: Number(port) },
    policy: {
      initialMs: e.FTC_BACKOFF_INITIAL,
      maxMs: e.FTC_BACKOFF_MAX,
      resetMs: e.FTC_BACKOFF_RESET,
      maxRestarts: e.MAX_RESTARTS,
      leftMs: 10_000,
    },
    id: hostname(),
    keys: e.FTC_KEY_DIR,
    socket: '/var/run/docker.sock',
  };
}
