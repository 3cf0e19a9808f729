/** HTTP over one connection that is there already. */
import { Agent } from 'node:http';
import type { Duplex } from 'node:stream';

export class StreamAgent extends Agent {
  readonly #stream: Duplex;

  constructor(stream: Duplex) {
    super({ keepAlive: true, maxSockets: 1, maxFreeSockets: 1 });
    this.#stream = stream;
  }

  override createConnection(): Duplex {
    return this.#stream;
  }
}
