/** The master's HTTP: what people and the command line see. docs/protocol.md has the list. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { networkInterfaces } from 'node:os';
import type { Manager } from '../checkpoint/manager.ts';
import { serveCheckpoints } from '../checkpoint/routes.ts';
import { at, routes } from '../api/routes.ts';
import { serveSteps } from '../metrics/route.ts';
import { visibleJson } from '../shared/visible.ts';
import { admit, type Door } from './admit.ts';
import type { JobEvent } from '../api/event.ts';
import type { Status } from '../api/status.ts';

export interface Api {
  status(): Status;
  /** Reads what the status tells and only the disk knows. */
  look(): Promise<void>;
  events(after: number): JobEvent[];
  readonly checkpoints: Manager;
  stop(): void;
  /** Something of ours went wrong while it answered. */
  defect(error: unknown): void;
}

/** Other users of the machine may ask, but not take all of the master's memory. */
const MOST_CONNECTIONS = 512;
/** A request without Host is answered as any other that is wrong. Milliseconds. */
const LIMITS = { headersTimeout: 10_000, requestTimeout: 30_000, requireHostHeader: false };
/** A reader that takes nothing for so long has gone. */
const IDLE_MS = 120_000;

/** Of each answer, also where it is a browser that asks. */
const HEADERS = {
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

export interface HttpOptions {
  readonly port: number;
  /** What it takes to change something. */
  readonly token: string;
  /** Hostnames of this master beside `localhost` and its own addresses. */
  readonly names: readonly string[];
}

/** Listens; resolves with the server. */
export function serveHttp(api: Api, { port, token, names }: HttpOptions): Promise<Server> {
  const server = createServer(LIMITS, (request, response) => {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    const door = { token, names: new Set(['localhost', ...names, ...ownAddresses()]) };
    respond(api, door, request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else send(response, { code: 500, body: { error: 'the master cannot answer; its log says why' } });
      api.defect(error);
    });
  });
  server.maxConnections = MOST_CONNECTIONS;
  server.timeout = IDLE_MS;
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable) return void socket.destroy();
    const status =
      error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
    const headers = Object.entries(HEADERS).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.end(`HTTP/1.1 ${status}\r\n${headers.join('')}connection: close\r\n\r\n`);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '0.0.0.0', () => resolve(server));
  });
}

/** They change when the container is put back onto its network. */
function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap(all => (all ?? []).map(({ address }) => address));
}

interface Answer {
  readonly code: number;
  readonly body: unknown;
}

async function respond(
  api: Api,
  door: Door,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = 'GET', url: target = '', headers } = request;
  const admitted = admit({ method, target, hosts: request.headersDistinct.host ?? [], headers }, door);
  if ('code' in admitted) return send(response, { code: admitted.code, body: { error: admitted.error } });
  const { url } = admitted;
  // Who may change something waits for as long as it takes.
  if (method === 'POST') request.socket.setTimeout(0);
  if (/^\/checkpoints(\/|$)/.test(url.pathname))
    return serveCheckpoints(api.checkpoints, request, response, { files: false });
  if (url.pathname === routes.steps.path)
    return serveSteps(api.checkpoints.policy.directory, request, response);
  if (url.pathname === routes.status.path) await api.look();
  const route = `${method === 'HEAD' ? 'GET' : method} ${url.pathname}`;
  send(response, answer(api, route, url.searchParams));
}

function answer(api: Api, route: string, query: URLSearchParams): Answer {
  switch (route) {
    case at(routes.health):
      return { code: 200, body: { ok: true } };
    case at(routes.status):
      return { code: 200, body: api.status() };
    case at(routes.events):
      return { code: 200, body: api.events(routes.events.query.parse(Object.fromEntries(query)).after) };
    case at(routes.stop):
      api.stop();
      return { code: 202, body: { ok: true } };
    default:
      return { code: 404, body: { error: `${route} is not known here` } };
  }
}

function send(response: ServerResponse, { code, body }: Answer): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(`${visibleJson(body)}\n`);
}
