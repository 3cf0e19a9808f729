/** Asks for a job's checkpoints: the master, or what stands in for it. src/api/routes.ts has the routes. */
import type { IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { Pruned, VerifyLine } from '../api/checkpoint-answers.ts';
import { type Route, routes } from '../api/routes.ts';
import type { PruneOptions } from '../checkpoint/manager.ts';
import { CheckpointRow, noCheckpoint } from '../api/checkpoint-row.ts';
import { FtcError } from '../errors.ts';
import type { CheckpointSource } from '../runtime/job.ts';
import { parseLine, type StepLine } from '../api/step-line.ts';
import { LineSplitter } from '../protocol/lines.ts';
import { call, text } from './http.ts';

/** A disk that is busy, or that another removes from, answers late. Milliseconds. */
const PATIENCE_MS = 120_000;

/** Of step metrics. Bytes. */
const LONGEST_LINE = 4 << 20;

const Refusal = z.object({ error: z.string(), code: z.string().optional() });

export class CheckpointClient {
  readonly #source: CheckpointSource;
  readonly #signal: AbortSignal | undefined;

  /** What is under way when `signal` aborts fails with an AbortError. */
  constructor(source: CheckpointSource, signal?: AbortSignal) {
    this.#source = source;
    this.#signal = signal;
  }

  /** Newest first. */
  async list(): Promise<CheckpointRow[]> {
    return this.#read(await this.#ask(routes.checkpoints), z.array(CheckpointRow));
  }

  /** Has all looked at, or the one of `step`, and tells how far that is. The last thing told is `end`. */
  async *verify(step: number | null): AsyncGenerator<VerifyLine> {
    const response = await this.#ask(routes.verify, step === null ? {} : { step });
    let last: VerifyLine | null = null;
    try {
      for await (const line of createInterface({ input: response })) {
        last = VerifyLine.parse(JSON.parse(line));
        if (last.type === 'error') throw new Error(last.error);
        yield last;
      }
    } catch (cause) {
      throw this.#broken(cause);
    }
    if (last?.type !== 'end') throw this.#broken(new Error('the answer ended early'));
  }

  /** It is made sure first that what stays is whole: that takes as long as reading does. */
  async prune({ keep, keepEvery, dryRun }: Omit<PruneOptions, 'sure'>): Promise<Pruned> {
    const query = { keep, keepEvery, dryRun: dryRun ? '1' : undefined };
    return this.#read(await this.#ask(routes.prune, query, 0), Pruned);
  }

  /** The step metrics of steps above `after`, some at a time; -1 is all. */
  async *steps(after: number): AsyncGenerator<StepLine[]> {
    const response = await this.#ask(routes.steps, { after });
    response.socket.setTimeout(0);
    const splitter = new LineSplitter(LONGEST_LINE);
    try {
      for await (const chunk of response) {
        const lines = splitter.push(chunk as Buffer).map(parseLine);
        yield lines.filter(line => line !== null);
      }
    } catch (cause) {
      throw this.#broken(cause);
    }
  }

  /** One file of a checkpoint, as it comes. An answer that is cut off is an error of the stream. */
  async file(step: number, name: string): Promise<IncomingMessage> {
    const response = await this.#ask({ method: 'GET', path: `/checkpoints/${step}/${name}` });
    // Who writes it somewhere may be slow.
    response.socket.setTimeout(0);
    return response;
  }

  async #ask(
    { method, path: plain }: Pick<Route, 'method' | 'path'>,
    query: Readonly<Record<string, string | number | undefined>> = {},
    timeoutMs = PATIENCE_MS,
  ): Promise<IncomingMessage> {
    const path = plain + asQuery(query);
    const { base, agent } = this.#source;
    const token = method === 'POST' ? await this.#source.token?.() : undefined;
    let response: IncomingMessage;
    try {
      const options = { method, token, timeoutMs, signal: this.#signal, ...(agent && { agent }) };
      response = await call(base + path, options);
    } catch (cause) {
      throw this.#broken(cause);
    }
    if (response.statusCode === 200) return response;
    const body = await text(response).catch(() => '');
    throw refusal(response.statusCode ?? 0, body, path);
  }

  async #read<T>(response: IncomingMessage, schema: z.ZodType<T>): Promise<T> {
    let body: string;
    try {
      body = await text(response);
    } catch (cause) {
      throw this.#broken(cause);
    }
    const read = schema.safeParse(JSON.parse(body));
    if (!read.success) throw otherVersion(read.error);
    return read.data;
  }

  #broken(cause: unknown): unknown {
    return this.#signal?.aborted === true ? this.#signal.reason : this.#source.silent(cause);
  }
}

/** `?step=100`; empty where nothing is asked for. */
function asQuery(query: Readonly<Record<string, string | number | undefined>>): string {
  const known = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) known.set(name, String(value));
  return known.size === 0 ? '' : `?${known.toString()}`;
}

function refusal(status: number, body: string, path: string): FtcError {
  const { error: said = '', code } = Refusal.safeParse(parseJson(body)).data ?? {};
  if (code === noCheckpoint) return new FtcError('FTC_NO_CHECKPOINT', said);
  if (status === 429) {
    const hint = 'Another command is at it: try again when that has ended.';
    return new FtcError('FTC_ALREADY_RUNNING', said, { hint });
  }
  if (status === 404) return otherVersion(new Error(said));
  return new FtcError('FTC_MASTER_UNREACHABLE', `${path} was answered with ${status}: ${said.trim()}`);
}

function otherVersion(cause: Error): FtcError {
  return new FtcError('FTC_MASTER_UNREACHABLE', 'the master runs a different version of ftc', {
    hint: '"ftc down" and "ftc up" bring it to this one; the checkpoints stay.',
    cause,
  });
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}
