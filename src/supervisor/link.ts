/** The supervisor's end of the control link: connects, forever, and tells the newest facts whenever it is connected. */
import { connect, type Socket } from 'node:net';
import type { Logger } from '../shared/log.ts';
import { LineSplitter } from '../protocol/lines.ts';
import {
  type ContainerFact,
  MAX_LINE_BYTES,
  Outbound,
  PROTOCOL_VERSION,
  type Said,
} from '../protocol/messages.ts';

export interface LinkOptions {
  readonly host: string;
  readonly port: number;
  readonly job: string;
  readonly id: string;
  readonly log: Logger;
  message(message: Outbound): void;
}

const RETRY_MS = 200;
/** What was to be said while the master was away; older ones are dropped. */
const MOST_WAITING = 50;

export class SupervisorLink {
  readonly #options: LinkOptions;
  #socket: Socket | null = null;
  #retry: NodeJS.Timeout | null = null;
  #facts: readonly ContainerFact[] | null = null;
  #told = '';
  #waiting: Omit<Said, 'type'>[] = [];
  #closed = false;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#connect();
  }

  /** Tells the master when something changed; kept and told again after a reconnect. */
  tell(facts: readonly ContainerFact[]): void {
    this.#facts = facts;
    this.#flush();
  }

  /** Says it once, now or after the next connect. */
  say(said: Omit<Said, 'type'>): void {
    this.#waiting = [...this.#waiting, said].slice(-MOST_WAITING);
    this.#flush();
  }

  close(): void {
    this.#closed = true;
    if (this.#retry) clearTimeout(this.#retry);
    this.#socket?.destroy();
  }

  #connect(): void {
    const { host, port, job, id, log } = this.#options;
    const socket = connect({ host, port, noDelay: true, keepAlive: true });
    const lines = new LineSplitter(MAX_LINE_BYTES);
    socket.on('connect', () => {
      log.info('connected to the master');
      this.#socket = socket;
      this.#told = '';
      write(socket, { type: 'hello', role: 'supervisor', protocol: PROTOCOL_VERSION, job, id });
      this.#flush();
    });
    socket.on('data', chunk => {
      try {
        for (const line of lines.push(chunk)) this.#options.message(Outbound.parse(JSON.parse(line)));
      } catch (error) {
        log.warn({ err: error }, 'the master said something that is not understood');
        socket.destroy();
      }
    });
    socket.on('error', error => log.debug({ err: error }, 'control link'));
    socket.on('close', () => {
      if (this.#socket === socket) log.warn('the link to the master is closed');
      this.#socket = null;
      if (!this.#closed) this.#retry = setTimeout(() => this.#connect(), RETRY_MS);
    });
  }

  #flush(): void {
    if (!this.#socket) return;
    if (this.#facts) this.#flushFacts(this.#socket, this.#facts);
    for (const said of this.#waiting.splice(0)) write(this.#socket, { type: 'said', ...said });
  }

  #flushFacts(socket: Socket, facts: readonly ContainerFact[]): void {
    const message = { type: 'containers', workers: facts };
    const text = JSON.stringify(message);
    if (text === this.#told) return;
    this.#told = text;
    write(socket, message);
  }
}

function write(socket: Socket, message: object): void {
  socket.write(`${JSON.stringify(message)}\n`);
}
