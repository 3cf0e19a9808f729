/** Copying to stores as they are, by kind: what one of them lacks, nothing that matters needs. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { wording } from '../../../../src/api/wording.ts';
import { pino } from 'pino';
import type { S3Config } from '../../../../src/master/s3/config.ts';
import { Mirror } from '../../../../src/master/s3/mirror.ts';
import { selfSigned } from '../../../fakes/certificate.ts';
import * as odd from '../../../fakes/odd-s3.ts';
import { FakeS3 } from '../../../fakes/s3-server.ts';
import { Folder } from '../../checkpoint/folder.ts';

let server: FakeS3;
let folder: Folder;
let mirrors: Mirror[];
let events: string[];
let holds: (string | null)[];

const mirror = (config: Partial<S3Config> = {}, directory = folder.path): Mirror => {
  const made = new Mirror({
    config: {
      ...{ bucket: 'runs', base: 'a-job/', endpoint: server.endpoint, region: 'us-east-1', pathStyle: true },
      ...{ keep: null, keepEvery: null, restoreTimeoutMs: 60_000, caBundle: null },
      login: { kind: 'keys', id: 'AKIACANARY', secret: 'hunter2canary', token: '' },
      ...config,
    },
    job: 'a-job',
    policy: { directory, every: 10, keep: 3, pinEvery: null },
    log: pino({ level: 'silent' }),
    tell: ({ level, fact }) => void events.push(`${level}: ${wording(fact, 1)}`),
    hold: reason => void holds.push(reason),
    abandon: reason => void events.push(`failed: ${reason}`),
    backoff: { initialMs: 5, maxMs: 20 },
  });
  mirrors.push(made);
  return made;
};
/** What the mirror does in silence is looked for every few milliseconds. */
const until = async (test: () => boolean): Promise<void> => {
  while (!test()) await sleep(5);
};
const copied = (m: Mirror, step: number): Promise<void> =>
  until(() => m.status().uploadedStep === step && m.status().backlogSteps === 0);
const puts = (): string[] => server.requests.filter(r => r.startsWith('PUT'));
const large = Buffer.alloc(9 * 2 ** 20, 7);

beforeEach(async () => {
  server = new FakeS3();
  folder = new Folder();
  [mirrors, events, holds] = [[], [], []];
  await server.start();
});
afterEach(async () => {
  for (const m of mirrors) await m.close();
  await server.stop();
  folder.remove();
});

describe('a store that', () => {
  it.each<[string, odd.Oddity]>([
    ['refuses the headers that SDKs add', odd.refusesChecksums],
    ['has no list of uploads (501)', odd.lacksUploads(501, 'NotImplemented')],
    ['has no list of uploads (405)', odd.lacksUploads(405, 'MethodNotAllowed')],
    ['has no list of uploads (400)', odd.lacksUploads(400, 'InvalidRequest')],
    ['lets nobody see uploads', odd.lacksUploads(403, 'AccessDenied')],
    ['fails at the list of uploads', odd.lacksUploads(500, 'InternalError')],
    ['takes the list of uploads for that of objects', odd.mistakesUploads],
    ['forgets metadata', odd.forgetsMetadata],
    ['answers HEAD with 404 for a while', odd.answersHeadLate(100, 404, 'NoSuchKey')],
    ['answers HEAD with 403 for a while', odd.answersHeadLate(100, 403, 'AccessDenied')],
    ['answers HEAD with 400 for a while', odd.answersHeadLate(100, 400, 'BadRequest')],
    ['has no HEAD', odd.answersHeadLate(1e9, 405, 'MethodNotAllowed')],
    ['has HEAD not implemented', odd.answersHeadLate(1e9, 501, 'NotImplemented')],
    ['lists late', odd.listsLate(500)],
  ])('%s has every object once, and gives it back', async (_, make) => {
    make(server);
    folder.write(10);
    folder.write(20, {}, large);
    const m = mirror();
    m.start(false);
    await copied(m, 20);
    folder.write(30);
    m.published();
    await copied(m, 30);
    const parts = [30, 10].flatMap(s => ['state.pt', 'manifest.json'].map(f => `step-000000${s}/${f}`));
    expect(puts().filter(r => !r.includes('00000020'))).toHaveLength(parts.length);
    for (const name of parts) expect(puts().filter(r => r.endsWith(name))).toHaveLength(1);
    expect(puts().filter(r => r.endsWith('?part'))).toHaveLength(2);
    expect(events).toEqual([]);
    await m.close();
    const empty = new Folder();
    try {
      // A list that is late when an empty volume is filled shows what was there a moment ago.
      await until(() => server.listed().size === server.objects.size);
      const next = mirror({}, empty.path);
      next.start(true);
      await until(() => holds.at(-1) === null);
      expect(next.status().restoredStep).toBe(30);
      expect(readFileSync(empty.at('step-00000030', 'state.pt'), 'utf8')).toBe('state of 30');
    } finally {
      empty.remove();
    }
  });

  it('tells late that a copy was removed has it removed once', async () => {
    odd.listsLate(400)(server);
    const m = mirror({ keep: 1 });
    m.start(false);
    for (const step of [10, 20, 30]) {
      folder.write(step);
      m.published();
      await copied(m, step);
    }
    await until(() => server.objects.size === 2);
    const removed = server.requests.filter(r => r.startsWith('DELETE'));
    expect(removed).toHaveLength(4);
    expect(new Set(removed).size).toBe(4);
    expect(events).toEqual([]);
  });

  it('lists what was removed before has nothing to restore, once its list is right', async () => {
    odd.listsLate(400)(server);
    folder.write(10);
    const m = mirror();
    m.start(false);
    await copied(m, 10);
    await sleep(420);
    await m.close();
    for (const key of server.keys()) {
      server.fault('DELETE', key, new URLSearchParams(), {});
      server.objects.delete(key);
    }
    const empty = new Folder();
    try {
      const next = mirror({}, empty.path);
      next.start(true);
      await until(() => holds.at(-1) === null);
      expect(next.status().restoredStep).toBeNull();
      expect(events.filter(e => e.startsWith('failed'))).toEqual([]);
      expect(holds.some(h => h?.includes('step 10 is listed and not given out') === true)).toBe(true);
    } finally {
      empty.remove();
    }
  });

  it('was left with a part of a copy is not sent that again', async () => {
    folder.write(10, {}, large);
    let broken = true;
    server.fault = (method, key) =>
      broken && method === 'PUT' && key.endsWith('manifest.json')
        ? { status: 403, code: 'AccessDenied' }
        : undefined;
    const m = mirror();
    m.start(false);
    await until(() => m.status().state === 'refused');
    broken = false;
    await copied(m, 10);
    expect(puts().filter(r => r.endsWith('?part'))).toHaveLength(2);
  });
});

const page = '<html><head><title>Welcome to\n the guest network</title></head><body>hello</body></html>';

describe('what is no store', () => {
  it.each<[string, odd.Oddity, string]>([
    [
      'page',
      odd.isPage(200, page),
      'a web page answers there, not an S3 store (status 200: "Welcome to the guest network")',
    ],
    [
      'page with a doctype',
      odd.isPage(200, `<!DOCTYPE html>\n${page}<br>`),
      'a web page answers there, not an S3 store',
    ],
    [
      'page that does not say so',
      odd.isPage(200, page, { 'content-type': 'text/plain' }),
      'a web page answers there',
    ],
    [
      'page that is missing',
      odd.isPage(404, '<html><h1>404 Not Found</h1>'),
      '(status 404: "404 Not Found")',
    ],
    [
      'page that forbids',
      odd.isPage(403, '<html><h1>Forbidden</h1>'),
      'a web page answers there, not an S3 store',
    ],
    [
      'login elsewhere',
      odd.isPage(302, '', { location: 'http://login.guest/?from=x' }),
      'it sends elsewhere: http://login.guest/?from=x)',
    ],
    [
      'programme',
      odd.isPage(200, '{"ok": true}', { 'content-type': 'application/json' }),
      'what answers there is not an S3 store (status 200, application/json)',
    ],
    ['feed', odd.isPage(200, '<?xml version="1.0"?><rss/>', { 'content-type': 'application/xml' }), '<rss>'],
  ])('is named: a %s', async (_, make, text) => {
    make(server);
    folder.write(10);
    const m = mirror();
    m.start(false);
    await until(() => m.status().lastError !== null);
    expect(m.status()).toMatchObject({ state: 'refused', uploadedStep: null, backlogSteps: 1 });
    expect(m.status().lastError).toContain(text);
    expect(events[0]).toContain('warn: checkpoints cannot be copied to what answers for S3: 127.0.0.1:');
    expect(puts()).toEqual([]);
  });

  it('is waited for where it is a gateway that fails, and copied to when it is back', async () => {
    odd.isPage(502, '<html><title>502 Bad Gateway</title>')(server);
    folder.write(10);
    const m = mirror();
    m.start(false);
    await until(() => m.status().lastError !== null);
    expect(m.status()).toMatchObject({ state: 'retrying' });
    expect(m.status().lastError).toContain('answers 502 with a web page: "502 Bad Gateway"');
    server.fault = () => undefined;
    await copied(m, 10);
  });

  it('is no store that an empty bucket is taken for: nobody starts anew because of it', async () => {
    odd.isPage(200, page)(server);
    const m = mirror({ restoreTimeoutMs: 40 });
    m.start(true);
    await until(() => holds.at(-1) === null);
    expect(events.at(-1)).toMatch(/^error: nothing could be restored from S3 .*a web page answers there/);
  });
});

it('a store that does not implement what copying needs is not called unreachable', async () => {
  server.fault = method => (method === 'PUT' ? { status: 501, code: 'NotImplemented' } : undefined);
  folder.write(10);
  const m = mirror();
  m.start(false);
  await until(() => m.status().lastError !== null);
  expect(m.status()).toMatchObject({ state: 'refused' });
  expect(m.status().lastError).toMatch(
    /this store does not implement what was asked of it \(501 NotImplemented/,
  );
});

describe('a certificate of its own', () => {
  let place: string;

  beforeEach(async () => {
    await server.stop();
    place = mkdtempSync(join(tmpdir(), 'ftctest-tls-'));
    server = new FakeS3();
    server.tls = selfSigned(place, '127.0.0.1');
    await server.start();
  });
  afterEach(() => rmSync(place, { recursive: true }));

  it('is named, with the key that makes it trusted', async () => {
    folder.write(10);
    const m = mirror();
    m.start(false);
    await until(() => m.status().lastError !== null);
    expect(m.status()).toMatchObject({ state: 'refused', backlogSteps: 1 });
    expect(m.status().lastError).toMatch(
      /its certificate is not signed by an authority that is trusted here; checkpoint\.s3\.caBundle names/,
    );
  });

  it('is trusted where caBundle has it, and a file that cannot be read is named', async () => {
    folder.write(10);
    const m = mirror({ caBundle: join(place, 'cert.pem') });
    m.start(false);
    await copied(m, 10);
    const other = mirror({ caBundle: join(place, 'none.pem') });
    other.start(false);
    await until(() => other.status().lastError !== null);
    expect(other.status().lastError).toContain('none.pem (checkpoint.s3.caBundle) cannot be read by user');
  });

  it('is told from no TLS at all', async () => {
    server.tls = null;
    await server.stop();
    await server.start();
    folder.write(10);
    const m = mirror({ endpoint: server.endpoint.replace('http:', 'https:') });
    m.start(false);
    await until(() => m.status().lastError !== null);
    expect(m.status().lastError).toMatch(/it does not speak TLS: the endpoint may be http:/);
  });
});
