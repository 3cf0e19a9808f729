/** HTTP as the master and what stands in for it speak it. */
import { type Agent, type IncomingMessage, request } from 'node:http';
import { FtcError } from '../errors.ts';

export interface Call {
  readonly method?: 'GET' | 'POST';
  /** Of the master, for a POST. */
  readonly token?: string | undefined;
  /** A connection of one's own. */
  readonly agent?: Agent;
  /** So long nothing may come, milliseconds; 0 is for ever. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

const ANSWER_MS = 5000;

/**
 * The answer as it begins; its body is to be read. Not `fetch`: that refuses ports which a person may well choose, 6000 for one.
 * @throws as the network does
 */
export function call(
  url: string,
  { method = 'GET', token, agent, timeoutMs = ANSWER_MS, signal }: Call = {},
) {
  const headers = {
    ...(method === 'POST' && { 'x-ftc': '1' }),
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  };
  return new Promise<IncomingMessage>((resolve, reject) => {
    const timeout = agent === undefined ? { timeout: timeoutMs } : {};
    const options = { method, headers, agent: agent ?? false, ...timeout, ...(signal && { signal }) };
    const asked = request(url, options, resolve);
    asked.on('timeout', () => asked.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    asked.on('error', reject);
    asked.end();
  });
}

/** The whole body. */
export async function text(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}

export function refused(status: number, path: string): FtcError {
  return new FtcError('FTC_MASTER_UNREACHABLE', `the master answered ${status} to ${path}`, {
    hint: 'Another program may listen on that port; "ftc ps" shows which port is the master’s.',
  });
}

/** @param base as in `http://127.0.0.1:7070` */
export function silent(base: string, cause: unknown): FtcError {
  return new FtcError('FTC_MASTER_UNREACHABLE', `the master does not answer at ${base}`, {
    hint: 'It is started again within seconds if it died; "ftc ps" shows its container, "ftc logs master" what it printed.',
    cause,
  });
}
