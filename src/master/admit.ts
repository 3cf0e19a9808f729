/** Who may ask what over the master's HTTP. A decision without I/O; docs/protocol.md says why each rule is there. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';

/** What a request says of itself, before anything of it is believed. */
export interface Asked {
  readonly method: string;
  /** As it stands in the request line. */
  readonly target: string;
  /** All values of `Host`, as they came. */
  readonly hosts: readonly string[];
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

export interface Door {
  /** Hostnames and addresses that are this master's, in lower case. */
  readonly names: ReadonlySet<string>;
  readonly token: string;
}

export type Admission =
  | { readonly url: URL }
  /** The HTTP status, and a sentence that repeats nothing of the request. */
  | { readonly code: 400 | 403 | 421; readonly error: string };

const SAFE = new Set(['GET', 'HEAD']);

export function admit(asked: Asked, door: Door): Admission {
  const [host, ...others] = asked.hosts;
  if (host === undefined || others.length > 0) return refuse(400, 'a request needs one header Host');
  // A page of another site can have its name resolved to 127.0.0.1: then its requests are those of the same origin.
  if (!isOurs(host, door.names)) {
    return refuse(421, 'Host is not a name of this master: ask 127.0.0.1, localhost, or master');
  }
  const url = parse(asked.target);
  if (url === null) return refuse(400, 'the address of the request is no path');
  if (SAFE.has(asked.method)) return { url };
  // A page in a browser can send a POST to any port of this machine, but not with this header and without an origin.
  if (asked.headers['x-ftc'] !== '1' || asked.headers['origin'] !== undefined) {
    return refuse(403, 'whatever is not GET or HEAD needs the header x-ftc: 1 and no Origin');
  }
  if (!knows(asked.headers['authorization'], door.token)) {
    return refuse(403, `whatever is not GET or HEAD needs the header authorization with the job's token`);
  }
  return { url };
}

/** `localhost:7070` → true. Any port: it may have been forwarded. */
function isOurs(host: string, names: ReadonlySet<string>): boolean {
  const [, bracketed, plain] = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(host) ?? [];
  const name = (bracketed ?? plain ?? '').toLowerCase();
  if (bracketed === undefined ? isIP(name) === 4 && name.startsWith('127.') : name === '::1') return true;
  return name !== '' && names.has(name);
}

function parse(target: string): URL | null {
  if (!target.startsWith('/') || target.startsWith('//') || target.includes('\\')) return null;
  try {
    return new URL(target, 'http://master');
  } catch {
    return null;
  }
}

/** Takes the same time whatever is wrong. */
function knows(header: string | readonly string[] | undefined, token: string): boolean {
  const said = typeof header === 'string' ? /^Bearer (\S+)$/.exec(header)?.[1] : undefined;
  return timingSafeEqual(hash(said ?? ''), hash(token)) && said !== undefined;
}

const hash = (text: string): Buffer => createHash('sha256').update(text).digest();

function refuse(code: 400 | 403 | 421, error: string): Admission {
  return { code, error };
}
