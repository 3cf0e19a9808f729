/** The control link's server side: sockets, who is at their other end, and lines. What they mean is the membership's business. */
import { createServer, type Server, type Socket } from 'node:net';
import type { z } from 'zod';
import { Inbound, inboundNames, type Said, type WorkerHello } from '../protocol/inbound.ts';
import { MAX_LINE_BYTES, PROTOCOL_VERSION } from '../protocol/fields.ts';
import type { Outbound } from '../protocol/outbound.ts';
import { LineSplitter } from '../protocol/lines.ts';
import { cut } from '../protocol/bounds.ts';
import { type MasterKeys, type Meeting, newNonce } from '../protocol/membership-proof.ts';
import type { WorkerMessage } from './membership/events.ts';
import { FIRST_MS, Waiting } from './waiting.ts';

export interface ControlHandlers {
  hello(hello: WorkerHello): void;
  message(id: string, incarnation: string, message: WorkerMessage): void;
  closed(id: string, incarnation: string): void;
  supervisor(): void;
  containers(workers: Extract<Inbound, { type: 'containers' }>['workers']): void;
  said(said: Said): void;
  refused(address: string, reason: string): void;
}

/** Workers, the supervisor, and who is about to reconnect: more than any job on one machine has. */
const MOST_LINKS = 4096;

interface Peer {
  readonly socket: Socket;
  readonly incarnation: string;
}

/** One link: who takes its next line, and what has been said to prove who is there. */
interface Link {
  readonly challenge: string;
  /** Once a hello has proven that it is a member's. */
  meeting: Meeting | null;
  take(message: Inbound): void;
}

export class ControlServer {
  readonly #server: Server;
  readonly #workers = new Map<string, Peer>();
  /** All there are, those that have not said who they are included. */
  readonly #links = new Set<Socket>();
  readonly #waiting: Waiting;
  readonly #job: string;
  readonly #keys: MasterKeys;
  readonly #heartbeatMs: number;
  readonly #on: ControlHandlers;
  #supervisor: Socket | null = null;

  constructor(
    job: string,
    keys: MasterKeys,
    heartbeatMs: number,
    on: ControlHandlers,
    { firstMs = FIRST_MS } = {},
  ) {
    this.#job = job;
    this.#keys = keys;
    this.#heartbeatMs = heartbeatMs;
    this.#on = on;
    this.#waiting = new Waiting(firstMs);
    this.#server = createServer({ noDelay: true, keepAlive: true }, socket => this.#accept(socket));
    this.#server.maxConnections = MOST_LINKS;
  }

  /** Resolves with the port when it listens. */
  listen(port: number, host = '0.0.0.0'): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        const address = this.#server.address();
        resolve(typeof address === 'object' && address ? address.port : port);
      });
    });
  }

  send(id: string, message: Outbound): void {
    const peer = this.#workers.get(id);
    if (peer) write(peer.socket, message);
  }

  toSupervisor(message: Outbound): void {
    if (this.#supervisor) write(this.#supervisor, message);
  }

  drop(id: string): void {
    const peer = this.#workers.get(id);
    this.#workers.delete(id);
    peer?.socket.destroy();
  }

  /** Nobody is told to be gone: it is this end that goes. Resolves when no link is left, whoever was about to say hello. */
  close(): Promise<void> {
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()));
    this.#workers.clear();
    this.#supervisor = null;
    for (const socket of this.#links) socket.destroy();
    return closed;
  }

  #accept(socket: Socket): void {
    this.#links.add(socket);
    socket.once('close', () => this.#links.delete(socket));
    if (!this.#server.listening) {
      socket.destroy();
      return;
    }
    const lines = new LineSplitter(MAX_LINE_BYTES);
    const link: Link = {
      challenge: newNonce(),
      meeting: null,
      take: message => this.#greet(socket, message, link),
    };
    let refused = false;
    const refuse = (reason: string): void => {
      refused = true;
      this.#on.refused(socket.remoteAddress ?? 'unknown', reason);
      const proof = link.meeting === null ? '' : this.#keys.sign('refused', link.meeting);
      write(socket, { type: 'refused', reason, proof });
      socket.destroySoon();
    };
    socket.on('error', () => undefined); // `close` follows and says the rest
    this.#waiting.add(socket, refuse);
    write(socket, { type: 'challenge', protocol: PROTOCOL_VERSION, nonce: link.challenge });
    socket.on('data', chunk => {
      if (refused) return; // said once; what comes until the link is closed is not looked at
      try {
        for (const line of lines.push(chunk)) link.take(parse(line));
      } catch (error) {
        refuse((error as Error).message);
      }
    });
  }

  #greet(socket: Socket, message: Inbound, link: Link): void {
    if (message.type !== 'hello') throw new Error(`expected hello, got ${message.type}`);
    const { job, role, nonce } = message;
    const meeting = { job, role, id: message.id, challenge: link.challenge, nonce };
    if (this.#keys.knows(meeting, message.proof)) link.meeting = meeting;
    if (message.protocol !== PROTOCOL_VERSION) {
      throw new Error(
        `protocol ${message.protocol} is spoken here as ${PROTOCOL_VERSION}: the images are of different versions`,
      );
    }
    if (message.job !== this.#job) throw new Error(`job ${message.job} is not this job, ${this.#job}`);
    if (link.meeting === null)
      throw new Error(`who says to be a ${role} does not have the job's key for one`);
    this.#waiting.delete(socket);
    const heartbeatMs = this.#heartbeatMs / 5;
    const proof = this.#keys.sign('welcome', meeting);
    write(socket, { type: 'welcome', protocol: PROTOCOL_VERSION, job, heartbeatMs, proof });
    if (message.role === 'supervisor') {
      this.#supervisor?.destroy();
      this.#supervisor = socket;
      socket.once('close', () => {
        if (this.#supervisor === socket) this.#supervisor = null;
      });
      link.take = m => {
        if (m.type === 'containers') this.#on.containers(m.workers);
        else if (m.type === 'said') this.#on.said(m);
        else throw new Error(`the supervisor may not say ${m.type}`);
      };
      this.#on.supervisor();
      return;
    }
    const { id, incarnation } = message;
    const old = this.#workers.get(id);
    this.#workers.set(id, { socket, incarnation });
    old?.socket.destroy();
    socket.once('close', () => {
      // A link that a newer one of the same process has replaced is no news.
      if (this.#workers.get(id)?.socket !== socket) return;
      this.#workers.delete(id);
      this.#on.closed(id, incarnation);
    });
    link.take = m => {
      if (m.type === 'hello' || m.type === 'containers' || m.type === 'said')
        throw new Error(`a worker may not say ${m.type} here`);
      if (this.#workers.get(id)?.socket === socket) this.#on.message(id, incarnation, m);
    };
    this.#on.hello(message);
  }
}

const written = new WeakMap<Outbound, string>();

/** A generation goes to all its members: its line is made once. */
function write(socket: Socket, message: Outbound): void {
  if (!socket.writable) return;
  const line = written.get(message) ?? `${JSON.stringify(message)}\n`;
  written.set(message, line);
  socket.write(line);
}

/** Throws with one line that names what is wrong. */
function parse(line: string): Inbound {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    throw new Error('a line is not JSON');
  }
  const result = Inbound.safeParse(json);
  if (result.success) return result.data;
  const type = typeof json === 'object' && json !== null && 'type' in json ? String(json.type) : 'none';
  throw new Error(explain(type, result.error));
}

function explain(type: string, error: z.ZodError): string {
  if (!inboundNames.has(type)) return `unknown message type ${cut(type, 64)}`;
  const issue = error.issues[0];
  return `${type}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is wrong'}`;
}
