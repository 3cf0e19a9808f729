/**
 * The master's HTTP as data. The server, its clients and the table in docs/protocol.md go by it. Where a command reads a volume without a
 * master, src/checkpoint/routes.ts gives out files of checkpoints as well.
 */
import { z } from 'zod';

export interface Route {
  readonly method: 'GET' | 'POST';
  /** `{step}` stands for one segment. */
  readonly path: string;
  readonly query: z.ZodObject;
  /** For people: what it does, or what it answers. */
  readonly what: string;
}

const count = z.coerce.number().int().positive();
const nothing = z.object({});

export const routes = {
  health: { method: 'GET', path: '/healthz', query: nothing, what: 'Whether the master answers.' },
  status: { method: 'GET', path: '/status', query: nothing, what: 'The status of the job.' },
  events: {
    method: 'GET',
    path: '/events',
    query: z.object({ after: z.coerce.number().catch(0).default(0) }),
    what: 'Events with a number above `after`.',
  },
  stop: { method: 'POST', path: '/stop', query: nothing, what: 'Stops the job at the next step boundary.' },
  checkpoints: {
    method: 'GET',
    path: '/checkpoints',
    query: nothing,
    what: 'The checkpoints, newest first.',
  },
  verify: {
    method: 'POST',
    path: '/checkpoints/verify',
    query: z.object({ step: z.coerce.number().int().nonnegative().optional() }),
    what: 'Reads all checkpoints, or the one of `step`; answers with a line of JSON for each thing that happens.',
  },
  prune: {
    method: 'POST',
    path: '/checkpoints/prune',
    query: z.object({
      keep: count.optional(),
      keepEvery: count.optional(),
      dryRun: z.literal('1').optional(),
    }),
    what: 'Removes checkpoints that need not be kept.',
  },
  steps: {
    method: 'GET',
    path: '/metrics/steps',
    query: z.object({ after: z.coerce.number().int().min(-1).default(-1) }),
    what: 'Answers with a line of [`metrics.jsonl`](metrics.md) for each step above `after`.',
  },
} as const satisfies Record<string, Route>;

/** As a request names it: `GET /status`. */
export const at = ({ method, path }: Pick<Route, 'method' | 'path'>): string => `${method} ${path}`;
