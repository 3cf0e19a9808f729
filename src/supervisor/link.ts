/** The supervisor's end of the control link: connects, forever, and tells the newest facts whenever it is connected. */
import { connect, type Socket } from 'node:net';
import type { Logger } from '../shared/log.ts';
import { LineSplitter } from '../protocol/lines.ts';
import { isMaster, type MemberKey, memberProof, newNonce } from '../protocol/membership-proof.ts';
import type { ContainerFact, Said } from '../protocol/inbound.ts';
import { MAX_LINE_BYTES, PROTOCOL_VERSION } from '../protocol/fields.ts';
import { Outbound } from '../protocol/outbound.ts';

export interface LinkOptions {
  readonly host: string;
  readonly port: number;
  readonly job: string;
  readonly id: string;
  /** The supervisor's key, read anew for each connection: null where the master has not written it yet. */
  key(): MemberKey | null;
  readonly log: Logger;
  message(message: Outbound): void;
}

const RETRY_MS = 200;
/** The other end has so long to prove that it is the master. */
const ANSWER_MS = 10_000;
/** What was to be said while the master was away; older ones are dropped. */
const MOST_WAITING = 50;

export class SupervisorLink {
  readonly #options: LinkOptions;
  readonly #answerMs: number;
  #socket: Socket | null = null;
  #retry: NodeJS.Timeout | null = null;
  #facts: readonly ContainerFact[] | null = null;
  #told = '';
  #warned = '';
  #waiting: Omit<Said, 'type'>[] = [];
  #closed = false;

  constructor(options: LinkOptions, { answerMs = ANSWER_MS } = {}) {
    this.#options = options;
    this.#answerMs = answerMs;
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
    const { host, port, log } = this.#options;
    const socket = connect({ host, port, noDelay: true, keepAlive: true });
    const lines = new LineSplitter(MAX_LINE_BYTES);
    const deadline = setTimeout(() => {
      if (this.#socket === socket) return;
      this.#warn(new Error(`what answers there does not say who it is within ${this.#answerMs / 1000} s`));
      socket.destroy();
    }, this.#answerMs);
    let take: (message: Outbound) => void = message => {
      take = this.#answer(socket, message);
    };
    socket.on('data', chunk => {
      try {
        for (const line of lines.push(chunk)) take(Outbound.parse(JSON.parse(line)));
      } catch (error) {
        this.#warn(error as Error);
        socket.destroy();
      }
    });
    socket.on('error', error => log.debug({ err: error }, 'control link'));
    socket.on('close', () => {
      clearTimeout(deadline);
      if (this.#socket === socket) log.warn('the link to the master is closed');
      this.#socket = null;
      if (!this.#closed) this.#retry = setTimeout(() => this.#connect(), RETRY_MS);
    });
  }

  /** Says hello to who has sent a challenge. What comes back takes the next message, which must prove that it is the master's. */
  #answer(socket: Socket, message: Outbound): (message: Outbound) => void {
    if (message.type !== 'challenge') throw new Error(`expected a challenge, got ${message.type}`);
    const { job, id, log } = this.#options;
    const key = this.#options.key();
    if (key === null) throw new Error('the master has not written the key of the supervisor yet');
    const meeting = { job, role: 'supervisor', id, challenge: message.nonce, nonce: newNonce() } as const;
    const proof = memberProof(key.key, meeting);
    const { role, nonce } = meeting;
    write(socket, { type: 'hello', role, protocol: PROTOCOL_VERSION, job, id, nonce, proof });
    return answer => {
      if (this.#socket === socket) return this.#options.message(answer);
      if (answer.type === 'refused') throw new Error(`the master refused the supervisor: ${answer.reason}`);
      if (answer.type !== 'welcome' || !isMaster(key, 'welcome', meeting, answer.proof))
        throw new Error('what answers there does not have the key of the master');
      log.info('connected to the master');
      this.#warned = '';
      this.#socket = socket;
      this.#told = '';
      this.#flush();
    };
  }

  /** Once, however often it comes again before the master is there. */
  #warn(error: Error): void {
    if (this.#warned === error.message) return;
    this.#warned = error.message;
    this.#options.log.warn(
      { err: error },
      'the master said something that is not understood, or not believed',
    );
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
