/** The master's HTTP, from the host. */
import { z } from 'zod';
import { FtcError } from '../errors.ts';
import { CheckpointRow, JobEvent, Status } from '../master/status.ts';

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
    const response = await this.#fetch(path, {});
    return schema.parse(await response.json());
  }

  /** @throws FtcError FTC_MASTER_UNREACHABLE */
  async #fetch(path: string, init: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(this.#base + path, { ...init, signal: AbortSignal.timeout(ANSWER_MS) });
    } catch (cause) {
      throw new FtcError('FTC_MASTER_UNREACHABLE', `the master does not answer at ${this.#base}`, {
        hint: 'It is started again within seconds if it died; "ftc ps" shows its container, "ftc logs master" what it printed.',
        cause,
      });
    }
    if (!response.ok) {
      const hint = 'Another program may listen on that port; "ftc ps" shows which port is the master’s.';
      throw new FtcError('FTC_MASTER_UNREACHABLE', `the master answered ${response.status} to ${path}`, {
        hint,
      });
    }
    return response;
  }
}
