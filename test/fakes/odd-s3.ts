/** Stores that are like S3, but not quite: each of these makes a {@link FakeS3} odd in one way, as stores that people use are. */
import type { FakeObject, FakeS3 } from './s3-server.ts';

export type Oddity = (server: FakeS3) => void;

/** Refuses the headers that newer SDKs add to a request. */
export const refusesChecksums: Oddity = server => {
  server.fault = (method, _, __, headers) => {
    const names = Object.keys(headers);
    const odd = names.some(n => /^x-amz-(sdk-checksum|checksum-|trailer)/.test(n));
    return odd || headers['content-encoding']?.includes('aws-chunked')
      ? { status: method === 'GET' ? 400 : 501, code: 'NotImplemented' }
      : undefined;
  };
};

/** Has no list of multipart uploads, and says so with this status. */
export const lacksUploads =
  (status: number, code: string): Oddity =>
  server => {
    server.fault = (method, _, query) =>
      method === 'GET' && query.has('uploads') ? { status, code } : undefined;
  };

/** Answers the question for uploads with its list of objects. */
export const mistakesUploads: Oddity = server => {
  server.fault = (method, _, query) =>
    method === 'GET' && query.has('uploads')
      ? {
          status: 200,
          headers: { 'content-type': 'application/xml' },
          body: '<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>',
        }
      : undefined;
};

export const forgetsMetadata: Oddity = server => void (server.keepsMetadata = false);

/** HEAD of an object says no for so long after it was stored. */
export const answersHeadLate =
  (forMs: number, status: number, code: string): Oddity =>
  server => {
    const made = new Map<string, number>();
    server.fault = (method, key) => {
      if (method === 'PUT' || method === 'POST') made.set(key, performance.now());
      const fresh = performance.now() - (made.get(key) ?? 0) < forMs;
      return method === 'HEAD' && fresh ? { status, code } : undefined;
    };
  };

/** Lists a new object late, and a removed one for as long. */
export const listsLate =
  (forMs: number): Oddity =>
  server => {
    const made = new Map<string, number>();
    const gone = new Map<string, { at: number; object: FakeObject }>();
    server.fault = (method, key) => {
      const at = performance.now();
      const object = server.objects.get(key);
      if (method === 'PUT') made.set(key, at);
      if (method === 'DELETE' && object !== undefined) gone.set(key, { at, object });
      return undefined;
    };
    server.listed = () => {
      const old = performance.now() - forMs;
      const shown = [...server.objects].filter(([key]) => (made.get(key) ?? 0) < old);
      const still = [...gone].filter(([, { at }]) => at > old).map(([key, g]) => [key, g.object] as const);
      return new Map([...still, ...shown]);
    };
  };

/** Is none: something else answers. */
export const isPage =
  (status: number, body: string, headers: Record<string, string> = {}): Oddity =>
  server => {
    server.fault = () => ({ status, body, headers: { 'content-type': 'text/html', ...headers } });
  };
