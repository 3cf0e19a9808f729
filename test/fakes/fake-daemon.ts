/** An engine's HTTP on a socket, for what a real one cannot be asked to do: to hang, to lie, to cut the line. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export class FakeDaemon {
  readonly folder: string;
  readonly socket: string;
  /** `GET /version`, … in order. */
  readonly requests: string[] = [];
  readonly #server: Server;

  private constructor(handler: Handler, name: string) {
    this.folder = mkdtempSync(join(tmpdir(), 'ftctest-daemon-'));
    this.socket = join(this.folder, name);
    this.#server = createServer((request, response) => {
      this.requests.push(`${request.method ?? ''} ${decodeURIComponent(request.url ?? '')}`);
      handler(request, response);
    });
  }

  static async listen(handler: Handler, name = 'docker.sock'): Promise<FakeDaemon> {
    const daemon = new FakeDaemon(handler, name);
    await new Promise<void>(resolve => daemon.#server.listen(daemon.socket, resolve));
    return daemon;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
    rmSync(this.folder, { recursive: true });
  }
}

export const answer = (response: ServerResponse, body: unknown, status = 200): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};
