/** The master's HTTP: what people and the command line see. docs/protocol.md has the list. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { CheckpointRow, JobEvent, Status } from './status.ts';

export interface Api {
  status(): Status;
  events(after: number): JobEvent[];
  checkpoints(): Promise<CheckpointRow[]>;
  stop(): void;
}

/** Listens on `port`; resolves with the server. */
export function serveHttp(api: Api, port: number): Promise<Server> {
  const server = createServer((request, response) => {
    answer(api, request).then(
      ({ code, body }) => send(response, code, body),
      (error: unknown) => send(response, 500, { error: String(error) }),
    );
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

async function answer(api: Api, request: IncomingMessage): Promise<Answer> {
  const url = new URL(request.url ?? '/', 'http://master');
  const route = `${request.method ?? 'GET'} ${url.pathname}`;
  // A page in a browser can send a POST to any port of this machine, but not with this header and without an origin.
  if (
    request.method === 'POST' &&
    (request.headers['x-ftc'] !== '1' || request.headers.origin !== undefined)
  ) {
    return { code: 403, body: { error: 'a POST needs the header x-ftc: 1 and no Origin' } };
  }
  switch (route) {
    case 'GET /healthz':
      return { code: 200, body: { ok: true } };
    case 'GET /status':
      return { code: 200, body: api.status() };
    case 'GET /events':
      return { code: 200, body: api.events(Number(url.searchParams.get('after') ?? 0) || 0) };
    case 'GET /checkpoints':
      return { code: 200, body: await api.checkpoints() };
    case 'POST /stop':
      api.stop();
      return { code: 202, body: { ok: true } };
    default:
      return { code: 404, body: { error: `${route} is not known here` } };
  }
}

function send(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
}
