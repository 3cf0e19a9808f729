/** A small S3: what the copying asks of one, over HTTP, with faults on demand. Objects are in memory. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface FakeObject {
  body: Buffer;
  readonly meta: Readonly<Record<string, string>>;
}

/** What to do with a request instead of answering it; undefined answers it. */
export type Fault =
  | 'drop'
  | { readonly status: number; readonly code: string }
  | { readonly status: number; readonly body: string; readonly headers: Readonly<Record<string, string>> }
  | { readonly cutAfter: number };

export class FakeS3 {
  readonly objects = new Map<string, FakeObject>();
  readonly uploads = new Map<
    string,
    { key: string; parts: Map<number, Buffer>; meta: Record<string, string> }
  >();
  /** `PUT /bucket/key`, one for each request, in order. */
  readonly requests: string[] = [];
  fault: (
    method: string,
    key: string,
    query: URLSearchParams,
    headers: IncomingMessage['headers'],
  ) => Fault | undefined = () => undefined;
  /** What is told beside an object is told again. */
  keepsMetadata = true;
  /** What the list shows. */
  listed: () => ReadonlyMap<string, FakeObject> = () => this.objects;
  /** So many keys a page. */
  pageSize = 1000;
  /** For https. */
  tls: { readonly key: string; readonly cert: string } | null = null;
  readonly #host: string;
  #server: Server | null = null;
  #port = 0;
  #count = 0;

  /** @param host the address that it listens on */
  constructor(host = '127.0.0.1') {
    this.#host = host;
  }

  get endpoint(): string {
    return `${this.tls === null ? 'http' : 'https'}://${this.#host}:${this.#port}`;
  }

  async start(): Promise<void> {
    const answer = (request: IncomingMessage, response: ServerResponse): void =>
      void this.#answer(request, response);
    const server = this.tls === null ? createServer(answer) : createTlsServer(this.tls, answer);
    this.#server = server;
    await new Promise<void>(resolve => server.listen(this.#port, this.#host, resolve));
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Refuses connections from now on; the objects stay. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    server.closeAllConnections();
    await new Promise(resolve => server.close(resolve));
  }

  keys(): string[] {
    return [...this.objects.keys()].sort();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? '';
    const { pathname, searchParams: query } = new URL(request.url ?? '/', this.endpoint);
    const key = decodeURIComponent(pathname.split('/').slice(2).join('/'));
    this.requests.push(
      `${method} ${key}${query.has('uploads') ? '?uploads' : query.has('uploadId') ? '?part' : ''}`,
    );
    const body = await read(request).catch(() => null);
    if (body === null) return;
    const fault = this.fault(method, key, query, request.headers);
    if (fault === 'drop') return void request.socket.destroy();
    if (fault && 'body' in fault)
      return void response.writeHead(fault.status, fault.headers).end(method === 'HEAD' ? '' : fault.body);
    if (fault && 'status' in fault) {
      const xml = `<Error><Code>${fault.code}</Code><Message>the server says no</Message></Error>`;
      return void response.writeHead(fault.status, { 'content-type': 'application/xml' }).end(xml);
    }
    const cut = fault?.cutAfter;
    if (key === '') return this.#list(response, query);
    const object = this.objects.get(key);
    const uploadId = query.get('uploadId');
    const meta = Object.fromEntries(
      Object.entries(request.headers)
        .filter(([name]) => this.keepsMetadata && name.startsWith('x-amz-meta-'))
        .map(([name, value]) => [name, String(value)]),
    );
    if (method === 'POST' && query.has('uploads')) {
      const id = `upload-${(this.#count += 1)}`;
      this.uploads.set(id, { key, parts: new Map(), meta });
      return xml(
        response,
        `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
      );
    }
    if (uploadId !== null) return this.#part(method, uploadId, query, body, response);
    if (method === 'PUT') {
      this.objects.set(key, { body, meta });
      return void response.writeHead(200, { etag: etag(body) }).end();
    }
    if (method === 'DELETE') {
      this.objects.delete(key);
      return void response.writeHead(204).end();
    }
    if (object === undefined) {
      const missing = '<Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>';
      return void response.writeHead(404, { 'content-type': 'application/xml' }).end(missing);
    }
    const headers = { ...object.meta, etag: etag(object.body), 'content-length': object.body.length };
    response.writeHead(200, headers);
    if (method === 'HEAD') return void response.end();
    if (cut === undefined) return void response.end(object.body);
    response.write(object.body.subarray(0, cut), () => request.socket.destroy());
  }

  #part(method: string, id: string, query: URLSearchParams, body: Buffer, response: ServerResponse): void {
    const upload = this.uploads.get(id);
    if (!upload) return void response.writeHead(404).end('<Error><Code>NoSuchUpload</Code></Error>');
    if (method === 'PUT') {
      upload.parts.set(Number(query.get('partNumber')), body);
      return void response.writeHead(200, { etag: etag(body) }).end();
    }
    this.uploads.delete(id);
    if (method === 'DELETE') return void response.writeHead(204).end();
    const parts = [...upload.parts].sort(([a], [b]) => a - b).map(([, part]) => part);
    this.objects.set(upload.key, { body: Buffer.concat(parts), meta: upload.meta });
    return xml(response, `<CompleteMultipartUploadResult><ETag>"x"</ETag></CompleteMultipartUploadResult>`);
  }

  #list(response: ServerResponse, query: URLSearchParams): void {
    const prefix = query.get('prefix') ?? '';
    if (query.has('uploads')) {
      const open = [...this.uploads].filter(([, { key }]) => key.startsWith(prefix));
      const found = open.map(
        ([id, { key }]) => `<Upload><Key>${key}</Key><UploadId>${id}</UploadId></Upload>`,
      );
      return xml(response, `<ListMultipartUploadsResult>${found.join('')}</ListMultipartUploadsResult>`);
    }
    const after = query.get('continuation-token') ?? '';
    const listed = this.listed();
    const keys = [...listed.keys()].sort().filter(key => key.startsWith(prefix) && key > after);
    const page = keys.slice(0, this.pageSize);
    const rows = page.map(key => {
      const { body } = listed.get(key)!;
      return `<Contents><Key>${key}</Key><Size>${body.length}</Size><ETag>${etag(body)}</ETag></Contents>`;
    });
    const more = keys.length > page.length;
    const next = more ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : '';
    return xml(
      response,
      `<ListBucketResult><IsTruncated>${more}</IsTruncated>${next}${rows.join('')}</ListBucketResult>`,
    );
  }
}

const etag = (body: Buffer): string => `"${createHash('md5').update(body).digest('hex')}"`;

function xml(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'content-type': 'application/xml' }).end(`<?xml version="1.0"?>${text}`);
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
