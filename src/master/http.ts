/** The master's HTTP: what people and the command line see. docs/protocol.md has the list. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Manager } from '../checkpoint/manager.ts';
import { serveCheckpoints } from '../checkpoint/routes.ts';
import { serveSteps, STEPS } from '../metrics/route.ts';
import type { JobEvent, Status } from './status.ts';

export interface Api {
  status(): Status;
  /** Reads what the status tells and only the disk knows. */
  look(): Promise<void>;
  events(after: number): JobEvent[];
  readonly checkpoints: Manager;
  stop(): void;
}

/** Listens on `port`; resolves with the server. */
export function serveHttp(api: Api, port: number): Promise<Server> {
  const server = createServer((request, response) => {
    respond(api, request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else send(response, { code: 500, body: { error: String(error) } });
    });
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '0.0.0.0', () => resolve(server));
  });
}

interface Answer {
  readonly code: number;
  readonly body: unknown;
}

async function respond(api: Api, request: IncomingMessage, response: ServerResponse): Promise<void> {
  // A page in a browser can send a POST to any port of this machine, but not with this header and without an origin.
  if (
    request.method === 'POST' &&
    (request.headers['x-ftc'] !== '1' || request.headers.origin !== undefined)
  ) {
    const error = 'a POST needs the header x-ftc: 1 and no Origin';
    return send(response, { code: 403, body: { error } });
  }
  const url = new URL(request.url ?? '/', 'http://master');
  if (/^\/checkpoints(\/|$)/.test(url.pathname))
    return serveCheckpoints(api.checkpoints, request, response, { files: false });
  if (url.pathname === STEPS) return serveSteps(api.checkpoints.policy.directory, request, response);
  if (url.pathname === '/status') await api.look();
  send(response, answer(api, `${request.method ?? 'GET'} ${url.pathname}`, url.searchParams));
}

function answer(api: Api, route: string, query: URLSearchParams): Answer {
  switch (route) {
    case 'GET /healthz':
      return { code: 200, body: { ok: true } };
    case 'GET /status':
      return { code: 200, body: api.status() };
    case 'GET /events':
      return { code: 200, body: api.events(Number(query.get('after') ?? 0) || 0) };
    case 'POST /stop':
      api.stop();
      return { code: 202, body: { ok: true } };
    default:
      return { code: 404, body: { error: `${route} is not known here` } };
  }
}

function send(response: ServerResponse, { code, body }: Answer): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
}
