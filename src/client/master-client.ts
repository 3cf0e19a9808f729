/** The master's HTTP, from the host. */
import { z } from 'zod';
import { JobEvent } from '../api/event.ts';
import { Status } from '../api/status.ts';
import { routes } from '../api/routes.ts';
import { FtcError } from '../errors.ts';
import { type Call, call, refused, silent, text } from './http.ts';

export class MasterClient {
  /** As in `http://127.0.0.1:7070`. */
  readonly base: string;

  constructor(base: string) {
    this.base = base;
  }

  status(): Promise<Status> {
    return this.#get(routes.status.path, Status);
  }

  /** Events with a number above `after`. */
  events(after: number): Promise<JobEvent[]> {
    return this.#get(`${routes.events.path}?after=${after}`, z.array(JobEvent));
  }

  /** Asks the job to stop at the next step boundary. */
  async stop(token: string): Promise<void> {
    await this.#fetch(routes.stop.path, { method: 'POST', token });
  }

  async #get<T>(path: string, schema: z.ZodType<T>): Promise<T> {
    const read = schema.safeParse(parseJson(await this.#fetch(path)));
    if (read.success) return read.data;
    throw notUnderstood(path, read.error);
  }

  /** The body. @throws FtcError FTC_MASTER_UNREACHABLE */
  async #fetch(path: string, how: Call = {}): Promise<string> {
    let answer: { status: number; body: string };
    try {
      const response = await call(this.base + path, how);
      answer = { status: response.statusCode ?? 0, body: await text(response) };
    } catch (cause) {
      throw silent(this.base, cause);
    }
    if (answer.status < 300) return answer.body;
    throw refused(answer.status, path);
  }
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function notUnderstood(path: string, error: z.ZodError): FtcError {
  const where = error.issues[0]?.path.join('.') ?? '';
  const what = where === '' ? 'it is no JSON of ours' : `"${where}" is not as expected`;
  return new FtcError(
    'FTC_MASTER_UNREACHABLE',
    `what the master answers to ${path} cannot be read: ${what}`,
    {
      hint: 'Its image is of another version of ftc, or another program listens on that port: "ftc ps" shows both. "ftc down" and "ftc up" start the job with the images of this version.',
      cause: error,
    },
  );
}
