/** Sends a payload to a URL once. Nothing that comes back is shown but the status: it may repeat the URL, which is a secret. */
import { readFileSync } from 'node:fs';
import { request as plain, type IncomingMessage } from 'node:http';
import { request as secure } from 'node:https';
import { rootCertificates } from 'node:tls';
import type { Outcome } from './queue.ts';

/** For the whole of a try: the connection, the request and the answer. */
const TRY_MS = 10_000;
/** Of an answer's body, bytes. */
const MOST_BODY = 16 << 10;

export interface Answer {
  readonly outcome: Outcome;
  /** What the server did, as a sentence's end: `answers 503`. Never with a part of the URL. */
  readonly text: string;
}

export interface PostOptions {
  /** A file of authorities besides those that are known; null for none. */
  readonly caBundle?: string | null;
  readonly timeoutMs?: number;
  /** Ends the try early. */
  readonly signal?: AbortSignal;
}

/** Never rejects. */
export function post(url: string, body: string, o: PostOptions = {}): Promise<Answer> {
  const { caBundle = null, timeoutMs = TRY_MS, signal } = o;
  const ending = new AbortController();
  const end = (): void => ending.abort();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    end();
  }, timeoutMs);
  signal?.addEventListener('abort', end);
  if (signal?.aborted) end();
  const closed = (): void => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', end);
  };
  return new Promise(resolve => {
    const failed = (text: string): void =>
      resolve({ outcome: 'later', text: late ? `does not answer within ${timeoutMs / 1000} s` : text });
    try {
      const isSecure = new URL(url).protocol === 'https:';
      const asked = (isSecure ? secure : plain)(url, {
        method: 'POST',
        agent: false,
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          'user-agent': 'ftc',
        },
        signal: ending.signal,
        ...(isSecure && { ca: authorities(caBundle) }),
      });
      asked.on('response', answer => {
        resolve(judge(answer.statusCode ?? 0));
        swallow(answer);
      });
      asked.on('error', (error: NodeJS.ErrnoException) => failed(explain(error)));
      asked.on('close', () => {
        closed();
        failed('closed the connection without an answer');
      });
      asked.end(body);
    } catch (error) {
      closed();
      failed(explain(error as NodeJS.ErrnoException));
    }
  });
}

/** What a status means. Pure. */
export function judge(status: number): Answer {
  const text = `answers ${status}`;
  if (status >= 200 && status < 300) return { outcome: 'delivered', text };
  if (status >= 300 && status < 400) return { outcome: 'never', text: `${text}: redirects are not followed` };
  const mayPass = status >= 500 || status === 408 || status === 425 || status === 429;
  return { outcome: mayPass ? 'later' : 'never', text };
}

/** The certificates that Node brings along are named because a system without its own would trust nobody. */
function authorities(caBundle: string | null): string[] {
  return caBundle === null ? [...rootCertificates] : [...rootCertificates, readFileSync(caBundle, 'utf8')];
}

/** Lets a server finish a short answer. */
function swallow(answer: IncomingMessage): void {
  let bytes = 0;
  answer.on('error', () => undefined);
  answer.on('data', (part: Buffer) => {
    bytes += part.length;
    if (bytes > MOST_BODY) answer.destroy();
  });
}

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses the connection',
  ECONNRESET: 'closed the connection',
  EPIPE: 'closed the connection',
  ETIMEDOUT: 'does not answer',
  EHOSTUNREACH: 'cannot be reached',
  ENETUNREACH: 'cannot be reached',
  ENOTFOUND: 'has a name that is not known',
  EAI_AGAIN: 'has a name that is not known now',
  ABORT_ERR: 'had not answered when the master was stopped',
};

/** By its code alone: a message of Node's may hold what was asked for. */
function explain(error: NodeJS.ErrnoException & { errors?: readonly NodeJS.ErrnoException[] }): string {
  const code = error.code ?? error.errors?.[0]?.code ?? error.name;
  const known = words[code];
  if (known !== undefined) return `${known} (${code})`;
  if (/CERT|SIGNATURE|ISSUER|INVALID_CA/.test(code))
    return `has a certificate that is not trusted here (${code}): hooks.caBundle names a file with its authority`;
  if (error.syscall === 'open') return `cannot be trusted: hooks.caBundle cannot be read (${code})`;
  return `cannot be reached (${code})`;
}
