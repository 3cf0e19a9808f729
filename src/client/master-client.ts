/** The master's HTTP, from the host. */
import { request, type RequestOptions } from 'node:http';
import { z } from 'zod';
import { FtcError } from '../errors.ts';
import { CheckpointRow } from '../checkpoint/row.ts';
import { JobEvent, Status } from '../master/status.ts';

const ANSWER_MS = 5000;

export class MasterClient {
  readonly #base: string;

  /** `base` as in `http://127.0.0.1:7070`. */
  constructor(base: string) {
    this.#base = base;
  }

  status(): Promise<Status> {
    return this.#get('/status', Status);
  }

  /** Events with a number above `after`. */
  events(after: number): Promise<JobEvent[]> {
    return this.#get(`/events?after=${after}`, z.array(JobEvent));
  }

  checkpoints(): Promise<CheckpointRow[]> {
    return this.#get('/checkpoints', z.array(CheckpointRow));
  }

  /** Asks the job to stop at the next step boundary. */
  async stop(): Promise<void> {
    await this.#fetch('/stop', { method: 'POST', headers: { 'x-ftc': '1' } });
  }

  async #get<T>(path: string, schema: z.ZodType<T>): Promise<T> {
    return schema.parse(JSON.parse(await this.#fetch(path, {})));
  }

  /** The body. @throws FtcError FTC_MASTER_UNREACHABLE */
  async #fetch(path: string, options: RequestOptions): Promise<string> {
    let answer: { status: number; body: string };
    try {
      answer = await ask(this.#base + path, options);
    } catch (cause) {
      throw new FtcError('FTC_MASTER_UNREACHABLE', `the master does not answer at ${this.#base}`, {
        hint: 'It is started again within seconds if it died; "ftc ps" shows its container, "ftc logs master" what it printed.',
        cause,
      });
    }
    if (answer.status < 300) return answer.body;
    const hint = 'Another program may listen on that port; "ftc ps" shows which port is the master’s.';
    throw new FtcError('FTC_MASTER_UNREACHABLE', `the master answered ${answer.status} to ${path}`, { hint });
  }
}

/** Not `fetch`: that refuses ports which a person may well choose, 6000 for one. */
function ask(url: string, options: RequestOptions): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const call = request(url, { ...options, agent: false, timeout: ANSWER_MS }, response => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString('utf8') }),
      );
      response.on('error', reject);
    });
    call.on('timeout', () => call.destroy(new Error(`no answer within ${ANSWER_MS} ms`)));
    call.on('error', reject);
    call.end();
  });
}
