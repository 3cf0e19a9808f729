/** A server that hooks are sent to, on loopback unless another address is asked for; it answers as each test wants. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export type Reply = (response: ServerResponse, count: number) => void;

export interface Received {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export class HookServer {
  readonly got: Received[] = [];
  reply: Reply = response => void response.end('ok');
  readonly #server: Server;
  readonly #scheme: string;
  #waiting: (() => void)[] = [];

  private constructor(tls: { readonly key: string; readonly cert: string } | null) {
    const take = (request: IncomingMessage, response: ServerResponse): void => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const body = Buffer.concat(parts).toString('utf8');
        this.got.push({ path: request.url ?? '', headers: request.headers, body });
        this.reply(response, this.got.length);
        for (const wake of this.#waiting.splice(0)) wake();
      });
    };
    this.#scheme = tls === null ? 'http' : 'https';
    this.#server = tls === null ? createServer(take) : createTlsServer(tls, take);
  }

  static async start(
    host = '127.0.0.1',
    tls: { readonly key: string; readonly cert: string } | null = null,
  ): Promise<HookServer> {
    const server = new HookServer(tls);
    await new Promise<void>(resolve => server.#server.listen(0, host, resolve));
    return server;
  }

  /** Of what was sent, read. */
  get told(): { id: string; hook: string; count: number; text: string }[] {
    return this.got.map(
      ({ body }) => JSON.parse(body) as { id: string; hook: string; count: number; text: string },
    );
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  url(path = '/'): string {
    const { address } = this.#server.address() as AddressInfo;
    return `${this.#scheme}://${address}:${this.port}${path}`;
  }

  /** Until so many requests have come. */
  async until(count: number): Promise<void> {
    while (this.got.length < count) await new Promise<void>(resolve => this.#waiting.push(resolve));
  }

  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise(resolve => this.#server.close(() => resolve()));
  }
}
