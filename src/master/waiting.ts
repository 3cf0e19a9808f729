/** Links whose first line has not come. Whoever connects and says nothing must not keep a place for ever. */
import type { Socket } from 'node:net';

/** How long the first line may take. Milliseconds. */
export const FIRST_MS = 10_000;

/** When there are more, the one that waits longest goes: a worker says hello at once, so that is never a worker. */
const MOST = 256;

export class Waiting {
  readonly #firstMs: number;
  readonly #links = new Map<
    Socket,
    { readonly timer: NodeJS.Timeout; readonly refuse: (reason: string) => void }
  >();

  constructor(firstMs: number) {
    this.#firstMs = firstMs;
  }

  /** @param refuse closes it, and says why */
  add(socket: Socket, refuse: (reason: string) => void): void {
    const timer = setTimeout(() => refuse(`no hello within ${this.#firstMs} ms`), this.#firstMs).unref();
    this.#links.set(socket, { timer, refuse });
    socket.once('close', () => this.delete(socket));
    const [oldest] = this.#links.values();
    if (this.#links.size > MOST) oldest?.refuse(`more than ${MOST} links have not said hello`);
  }

  /** It has said hello, or is gone. */
  delete(socket: Socket): void {
    clearTimeout(this.#links.get(socket)?.timer);
    this.#links.delete(socket);
  }
}
