/** The master's HTTP, from the host. */
import { z } from 'zod';
import { JobEvent, Status } from '../master/status.ts';
import { call, refused, silent, text } from './http.ts';

export class MasterClient {
  /** As in `http://127.0.0.1:7070`. */
  readonly base: string;

  constructor(base: string) {
    this.base = base;
  }

  status(): Promise<Status> {
    return this.#get('/status', Status);
  }

  /** Events with a number above `after`. */
  events(after: number): Promise<JobEvent[]> {
    return this.#get(`/events?after=${after}`, z.array(JobEvent));
  }

  /** Asks the job to stop at the next step boundary. */
  async stop(): Promise<void> {
    await this.#fetch('/stop', 'POST');
  }

  async #get<T>(path: string, schema: z.ZodType<T>): Promise<T> {
    return schema.parse(JSON.parse(await this.#fetch(path, 'GET')));
  }

  /** The body. @throws FtcError FTC_MASTER_UNREACHABLE */
  async #fetch(path: string, method: 'GET' | 'POST'): Promise<string> {
    let answer: { status: number; body: string };
    try {
      const response = await call(this.base + path, { method });
      answer = { status: response.statusCode ?? 0, body: await text(response) };
    } catch (cause) {
      throw silent(this.base, cause);
    }
    if (answer.status < 300) return answer.body;
    throw refused(answer.status, path);
  }
}
