import { createHash } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { wording } from '../../../../src/api/wording.ts';
import { kindOf } from '../../../../src/api/event.ts';
import { pino } from 'pino';
import type { S3Config } from '../../../../src/master/s3/config.ts';
import { Mirror, type MirrorOptions } from '../../../../src/master/s3/mirror.ts';
import type { S3Status } from '../../../../src/api/s3.ts';
import { FakeS3 } from '../../../fakes/s3-server.ts';
import { Folder, manifestOf } from '../../checkpoint/folder.ts';

const SECRET = 'hunter2/canary+secret';

/** A mirror with everything that it says. */
class Copier {
  readonly events: string[] = [];
  readonly holds: (string | null)[] = [];
  readonly lines: string[] = [];
  readonly mirror: Mirror;
  abandoned: string | null = null;
  readonly #news = new EventEmitter();

  constructor(
    server: FakeS3,
    folder: Folder,
    more: Partial<MirrorOptions> = {},
    config: Partial<S3Config> = {},
  ) {
    const write = (line: string): void => void this.lines.push(line);
    const said = (): void => void this.#news.emit('news');
    this.mirror = new Mirror({
      config: {
        bucket: 'runs',
        base: 'team/a-job/',
        endpoint: server.endpoint,
        region: 'us-east-1',
        pathStyle: true,
        keep: null,
        keepEvery: null,
        restoreTimeoutMs: 60_000,
        login: { kind: 'keys', id: 'AKIACANARY', secret: SECRET, token: '' },
        caBundle: null,
        ...config,
      },
      job: 'a-job',
      policy: { directory: folder.path, every: 10, keep: 3, pinEvery: null },
      log: pino({ level: 'debug' }, { write }),
      tell: ({ level, fact }) => {
        expect(kindOf(fact)).toBe('s3');
        this.events.push(`${level}: ${wording(fact, 1)}`);
        said();
      },
      hold: reason => {
        this.holds.push(reason);
        said();
      },
      abandon: reason => {
        this.abandoned = reason;
        said();
      },
      backoff: { initialMs: 5, maxMs: 20 },
      ...more,
    });
  }

  get status(): S3Status {
    return this.mirror.status();
  }

  /** Looks again after every word of the mirror, and every few milliseconds for what it does in silence. */
  async until(test: () => boolean): Promise<void> {
    while (!test()) {
      const later = new AbortController();
      const timer = setTimeout(() => later.abort(), 5);
      await once(this.#news, 'news', { signal: later.signal }).catch(() => undefined);
      clearTimeout(timer);
    }
  }

  /** Everything that is here, and stays, is there. */
  async copied(step: number): Promise<void> {
    await this.until(() => this.status.uploadedStep === step && this.status.backlogSteps === 0);
  }
}

let server: FakeS3;
let folder: Folder;
const copiers: Copier[] = [];
const copier = (...args: [Partial<MirrorOptions>?, Partial<S3Config>?]): Copier => {
  const made = new Copier(server, folder, ...args);
  copiers.push(made);
  return made;
};
const key = (step: number, file: string): string =>
  `team/a-job/step-${String(step).padStart(8, '0')}/${file}`;
const store = (step: number, state: string | Buffer = `state of ${step}`, more: object = {}): void => {
  server.objects.set(key(step, 'state.pt'), { body: Buffer.from(state), meta: {} });
  const manifest = JSON.stringify({ ...manifestOf(step, state), ...more });
  server.objects.set(key(step, 'manifest.json'), { body: Buffer.from(manifest), meta: {} });
};
/** The connection breaks in the middle of an object, the first three times that it is fetched. */
const cutThrice = (what: string): void => {
  let cut = 3;
  server.fault = (method, k) =>
    method === 'GET' && k === what && (cut -= 1) >= 0 ? { cutAfter: 1000 } : undefined;
};
const steps = (): number[] =>
  server
    .keys()
    .filter(k => k.endsWith('manifest.json'))
    .map(k => Number(/step-(\d+)/.exec(k)?.[1]));

beforeEach(async () => {
  server = new FakeS3();
  folder = new Folder();
  await server.start();
});
afterEach(async () => {
  for (const { mirror } of copiers.splice(0)) await mirror.close();
  await server.stop();
  folder.remove();
});

describe('copying', () => {
  it('brings all that is kept to the bucket, newest first, the manifest last', async () => {
    for (const step of [10, 20, 30]) folder.write(step);
    const c = copier();
    c.mirror.start(false);
    await c.copied(30);
    const puts = server.requests.filter(r => r.startsWith('PUT'));
    expect(puts).toEqual(
      [30, 20, 10].flatMap(step => [`PUT ${key(step, 'state.pt')}`, `PUT ${key(step, 'manifest.json')}`]),
    );
    const { body, meta } = server.objects.get(key(20, 'state.pt'))!;
    expect(body.toString()).toBe('state of 20');
    expect(meta['x-amz-meta-sha256']).toBe(createHash('sha256').update(body).digest('hex'));
    expect(server.objects.get(key(20, 'manifest.json'))!.body).toEqual(
      readFileSync(folder.at('step-00000020', 'manifest.json')),
    );
    expect(c.status).toMatchObject({
      state: 'ok',
      backlogSteps: 0,
      backlogBytes: 0,
      target: 's3://runs/team/a-job',
    });
    expect(c.events).toEqual([]);
  });

  it('takes what is published, and removes there what is too old, its manifest first', async () => {
    folder.write(10);
    const c = copier({}, { keep: 2 });
    c.mirror.start(false);
    await c.copied(10);
    for (const step of [20, 30, 40]) {
      folder.write(step);
      c.mirror.published();
      await c.copied(step);
    }
    await c.until(() => server.keys().length === 4);
    expect(server.keys()).toEqual([30, 40].flatMap(s => [key(s, 'manifest.json'), key(s, 'state.pt')]));
    const gone = server.requests.filter(r => r.startsWith('DELETE') && r.includes('00000010'));
    expect(gone).toEqual([`DELETE ${key(10, 'manifest.json')}`, `DELETE ${key(10, 'state.pt')}`]);
  });

  it('sends a large file in parts, and puts nothing there that is damaged', async () => {
    const large = Buffer.alloc(20 * 2 ** 20, 7);
    folder.write(10, {}, large);
    folder.write(20, {}, large);
    const bytes = readFileSync(folder.at('step-00000020', 'state.pt'));
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(folder.at('step-00000020', 'state.pt'), bytes);
    const c = copier();
    c.mirror.start(false);
    await c.copied(10);
    expect(server.objects.get(key(10, 'state.pt'))!.body.equals(large)).toBe(true);
    expect(server.requests.filter(r => r === `PUT ${key(10, 'state.pt')}?part`)).toHaveLength(3);
    expect(steps()).toEqual([10]);
    expect(server.uploads.size).toBe(0);
    expect(c.events).toEqual([
      'error: the checkpoint of step 20 is damaged and is not copied to S3: state.pt does not have the SHA-256 of its manifest',
    ]);
    expect(c.status.backlogSteps).toBe(0);
  });

  it.each([
    [
      'shorter',
      () => truncateSync(folder.at('step-00000020', 'state.pt'), 3),
      'state.pt has 3 bytes instead of 11',
    ],
    [
      'longer',
      () => writeFileSync(folder.at('step-00000020', 'state.pt'), 'x'.repeat(99)),
      'has more than 11 bytes',
    ],
    ['missing', () => rmSync(folder.at('step-00000020', 'state.pt')), 'state.pt is missing'],
  ])('goes on with the others where one is %s', async (_, damage, reason) => {
    folder.write(10);
    folder.write(20);
    damage();
    const c = copier();
    c.mirror.start(false);
    await c.copied(10);
    expect(c.events.join()).toContain(reason);
    expect(c.events).toHaveLength(1);
    expect(steps()).toEqual([10]);
  });

  it('drops what is pruned here before it was sent', async () => {
    folder.write(10);
    folder.write(20);
    const c = copier();
    server.fault = (method, k) => {
      if (method === 'PUT' && k === key(20, 'manifest.json'))
        rmSync(folder.at('step-00000010'), { recursive: true });
      return undefined;
    };
    c.mirror.start(false);
    await c.copied(20);
    expect(steps()).toEqual([20]);
    expect(c.events).toEqual([]);
  });

  it('reads every page of a long list', async () => {
    for (let step = 1; step <= 7; step += 1) store(step);
    server.pageSize = 3;
    folder.write(8);
    const c = copier({}, { keep: 2 });
    c.mirror.start(false);
    await c.copied(8);
    await c.until(() => steps().length === 2);
    expect(steps()).toEqual([7, 8]);
  });
});

describe('a server that fails', () => {
  it('is asked again until it works, and people hear of it twice', async () => {
    folder.write(10);
    let left = 7;
    server.fault = () => ((left -= 1) > 0 ? { status: 503, code: 'SlowDown' } : undefined);
    const c = copier();
    c.mirror.start(false);
    await c.until(() => c.status.state === 'retrying');
    expect(c.status).toMatchObject({ backlogSteps: 1, backlogBytes: 11, uploadedStep: null });
    expect(c.status.lastError).toContain('answers 503 SlowDown');
    await c.copied(10);
    expect(c.events.map(e => e.split(':')[0])).toEqual(['warn', 'info']);
    expect(c.events[0]).toContain('checkpoints are not copied to S3 for now');
    expect(c.status).toMatchObject({ state: 'ok', lastError: null, nextTryAt: null });
  });

  it('that is gone and comes back has the newest first, and not what was pruned here meanwhile', async () => {
    folder.write(10);
    const c = copier();
    c.mirror.start(false);
    await c.copied(10);
    await server.stop();
    for (const step of [20, 30, 40]) folder.write(step);
    c.mirror.published();
    await c.until(() => c.status.state === 'retrying');
    rmSync(folder.at('step-00000020'), { recursive: true });
    c.mirror.published();
    await c.until(() => c.status.backlogSteps === 2);
    server.requests.length = 0;
    await server.start();
    await c.copied(40);
    expect(server.requests.filter(r => r.startsWith('PUT'))[0]).toContain('00000040');
    expect(steps()).toEqual([10, 30, 40]);
    expect(c.events).toHaveLength(2);
    expect(c.events[0]).toContain('it refuses the connection');
  });

  it('that refuses is told from one that is gone, without a word of what was tried', async () => {
    folder.write(10);
    let code = 'InvalidAccessKeyId';
    server.fault = () => (code === '' ? undefined : { status: 403, code });
    const c = copier();
    c.mirror.start(false);
    await c.until(() => c.status.state === 'refused');
    code = '';
    await c.copied(10);
    expect(c.events[0]).toMatch(/^warn: S3 refuses copies of checkpoints: .*does not know the access key/);
    expect(JSON.stringify([c.events, c.lines, c.status])).not.toMatch(/hunter2|AKIACANARY/);
  });

  it('that lets nobody remove anything has all copies, and people hear of it once', async () => {
    server.fault = method => (method === 'DELETE' ? { status: 403, code: 'AccessDenied' } : undefined);
    const c = copier({}, { keep: 1 });
    c.mirror.start(false);
    for (const step of [10, 20, 30]) {
      folder.write(step);
      c.mirror.published();
      await c.copied(step);
    }
    await c.until(() => c.events.length > 0);
    expect(steps()).toEqual([10, 20, 30]);
    expect(c.events).toEqual(['warn: S3 does not allow ftc to remove old copies: all of them stay']);
    expect(c.status).toMatchObject({ state: 'ok', backlogSteps: 0 });
  });

  it('that is slower than training has no more copies than are kept, and the one under way', async () => {
    let step = 0;
    let most = 0;
    server.fault = (method, k) => {
      most = Math.max(most, steps().length);
      if (method === 'PUT' && k.endsWith('state.pt') && step < 300) {
        folder.write((step += 10));
        c.mirror.published();
      }
      return undefined;
    };
    folder.write((step += 10));
    const c = copier({}, { keep: 2 });
    c.mirror.start(false);
    await c.copied(300);
    expect(most).toBeLessThanOrEqual(3);
  });

  it('that loses a part leaves no half of one behind', async () => {
    folder.write(10, {}, Buffer.alloc(20 * 2 ** 20, 3));
    let cut = 0;
    server.fault = (method, _, query) =>
      method === 'PUT' && query.get('partNumber') === '2' && (cut += 1) < 5 ? 'drop' : undefined;
    const c = copier();
    c.mirror.start(false);
    await c.copied(10);
    expect(cut).toBeGreaterThanOrEqual(5);
    expect(server.uploads.size).toBe(0);
    expect(server.objects.get(key(10, 'state.pt'))!.body).toHaveLength(20 * 2 ** 20);
  });

  it('that is gone when half of one is there has no parts of it left when it is back', async () => {
    folder.write(10, {}, Buffer.alloc(20 * 2 ** 20, 3));
    let gone = false;
    server.fault = (method, _, query) => {
      // It is back for whoever asks what there is.
      if (method === 'GET') gone = false;
      gone ||= method === 'PUT' && query.get('partNumber') === '2' && server.uploads.size === 1;
      return gone && server.requests.filter(r => r.startsWith('POST')).length < 2 ? 'drop' : undefined;
    };
    const c = copier();
    c.mirror.start(false);
    await c.copied(10);
    expect(server.requests.filter(r => r.startsWith('DELETE')).length).toBeGreaterThan(1);
    expect(server.uploads.size).toBe(0);
    expect(server.objects.get(key(10, 'state.pt'))!.body).toHaveLength(20 * 2 ** 20);
  });

  it('is not asked at all without credentials, and says what is missing', async () => {
    folder.write(10);
    const login = { kind: 'keys', id: '', secret: '', token: '' } as const;
    const c = copier({}, { login });
    c.mirror.start(true);
    await c.until(() => c.status.state === 'refused' && c.holds.at(-1) === null);
    expect(server.requests).toEqual([]);
    expect(c.events[0]).toContain('AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY were not set');
    expect(c.events[1]).toMatch(
      /^error: nothing could be restored from S3 \(no credentials.*training starts at step 0/,
    );
  });

  it('is logged in to with a file, which is read again when it was refused', async () => {
    folder.write(10);
    const path = folder.at('keys');
    const c = copier({}, { login: { kind: 'file', path } });
    c.mirror.start(false);
    await c.until(() => c.status.lastError?.includes('cannot be read by user') === true);
    writeFileSync(path, '[other]\naws_access_key_id = x\n');
    await c.until(() => c.status.lastError?.includes('has no [default]') === true);
    writeFileSync(path, '[default]\naws_access_key_id = AKIACANARY\naws_secret_access_key = hunter2canary\n');
    await c.copied(10);
    expect(JSON.stringify([c.events, c.lines])).not.toMatch(/hunter2|AKIACANARY/);
  });
});

describe('what is in the bucket already', () => {
  it('is not sent again by the next master, which ends what the last one had begun', async () => {
    folder.write(10);
    store(10);
    server.uploads.set('left', { key: key(20, 'state.pt'), parts: new Map(), meta: {} });
    server.uploads.set('other', { key: 'team/a-job/mine.bin', parts: new Map(), meta: {} });
    const c = copier();
    c.mirror.start(false);
    await c.copied(10);
    expect(server.requests.filter(r => r.startsWith('PUT'))).toEqual([]);
    expect([...server.uploads.keys()]).toEqual(['other']);
  });

  it.each([
    ['half of it', () => server.objects.delete(key(10, 'manifest.json')), false],
    ['cut short', () => (server.objects.get(key(10, 'state.pt'))!.body = Buffer.from('st')), true],
    [
      'no manifest at all',
      () => (server.objects.get(key(10, 'manifest.json'))!.body = Buffer.from('{')),
      true,
    ],
  ])('is sent again where it is %s', async (_, damage, told) => {
    folder.write(10);
    store(10);
    damage();
    const c = copier();
    c.mirror.start(false);
    await c.copied(10);
    expect(server.objects.get(key(10, 'state.pt'))!.body.toString()).toBe('state of 10');
    expect(c.events.length > 0).toBe(told);
  });

  it('is left alone where it is newer than this run, or another one, and people are told how to get it', async () => {
    for (const step of [900, 950, 1000]) store(step);
    store(100, 'another state', { digest: 'a'.repeat(64) });
    folder.write(50);
    folder.write(100);
    const before = server.keys();
    const c = copier();
    c.mirror.start(false);
    await c.until(() => c.events.length === 2 && server.requests.some(r => r.startsWith('GET team')));
    c.mirror.published();
    expect(c.events[0]).toContain(
      'S3 holds step 1000, newer than this run\'s step 100: "ftc down --volumes"',
    );
    expect(c.events[1]).toContain('S3 holds another checkpoint of step 100; ftc does not overwrite it');
    expect(c.status).toMatchObject({ newerStep: 1000, uploadedStep: null, backlogSteps: 0 });
    expect(server.keys()).toEqual(before);
    folder.write(1050);
    c.mirror.published();
    await c.copied(1050);
    await c.until(() => steps().length === 3);
    expect(steps()).toEqual([950, 1000, 1050]);
    expect(c.status.newerStep).toBeNull();
  });

  it('is never touched outside of this job', async () => {
    const mine = [
      'team/a-job/notes.txt',
      'team/a-job/step-00000001/',
      'team/a-job-2/step-00000001/manifest.json',
      'x',
    ];
    for (const name of mine) server.objects.set(name, { body: Buffer.from('mine'), meta: {} });
    for (const step of [10, 20, 30]) folder.write(step);
    const c = copier({}, { keep: 1 });
    c.mirror.start(false);
    await c.copied(30);
    for (const name of mine) expect(server.keys()).toContain(name);
  });
});

describe('an empty volume', () => {
  it('is filled with the newest that verifies, as the writer would have done, before anybody starts', async () => {
    for (const step of [10, 20, 30]) store(step);
    server.objects.get(key(30, 'state.pt'))!.body[0]! ^= 1;
    mkdirSync(folder.at('.tmp-s3-step-00000020'));
    mkdirSync(folder.at('journal'));
    const c = copier();
    c.mirror.start(true);
    expect(c.holds).toEqual(['looking for a checkpoint in S3']);
    await c.until(() => c.holds.at(-1) === null);
    expect(readFileSync(folder.at('step-00000020', 'state.pt'), 'utf8')).toBe('state of 20');
    expect(readFileSync(folder.at('LATEST'), 'utf8')).toBe('step-00000020\n');
    expect(readdirSync(folder.path).sort()).toEqual(['LATEST', 'journal', 'step-00000020']);
    expect(c.holds).toContain('restoring step 20 from S3 (0.0 of 0.0 MB)');
    expect(c.events[0]).toBe(
      'warn: the checkpoint of step 30 in S3 is damaged: state.pt does not have the SHA-256 of its manifest',
    );
    expect(c.events[1]).toMatch(/^info: step 20 is restored from S3: 11 B in /);
    expect(c.status.restoredStep).toBe(20);
    expect(c.abandoned).toBeNull();
  });

  it('stays empty where the bucket is', async () => {
    const c = copier();
    c.mirror.start(true);
    await c.until(() => c.holds.at(-1) === null);
    expect([c.events, readdirSync(folder.path)]).toEqual([[], []]);
  });

  it('is filled in the end where the connection breaks', async () => {
    store(10, Buffer.alloc(200_000, 5));
    cutThrice(key(10, 'state.pt'));
    const c = copier();
    c.mirror.start(true);
    await c.until(() => c.holds.at(-1) === null);
    expect(readFileSync(folder.at('step-00000010', 'state.pt'))).toEqual(Buffer.alloc(200_000, 5));
    expect(c.status.restoredStep).toBe(10);
  });

  it.each([
    ['is gone', () => server.stop(), 'it refuses the connection'],
    [
      'refuses',
      () => void (server.fault = () => ({ status: 403, code: 'AccessDenied' })),
      'do not allow this',
    ],
  ])(
    'holds training for its time and no longer where the server %s, and is loud about it',
    async (_, fail, why) => {
      store(500);
      await fail();
      const c = copier({}, { restoreTimeoutMs: 60 });
      c.mirror.start(true);
      await c.until(() => c.holds.at(-1) === null);
      expect(c.holds.some(h => h?.startsWith('nothing is restored from S3 yet: ') && h.includes(why))).toBe(
        true,
      );
      expect(c.events.at(-1)).toMatch(
        /^error: nothing could be restored from S3 for 60 ms \(.*training starts at step 0/,
      );
      folder.write(10);
      server.fault = () => undefined;
      if (_ === 'is gone') await server.start();
      await c.copied(10);
      expect(c.events.some(e => e.includes("S3 holds step 500, newer than this run's step 10"))).toBe(true);
      expect(steps()).toEqual([10, 500]);
    },
  );

  it('is filled with an older one where the store has the newest damaged, or will not give it out', async () => {
    for (const step of [10, 20, 30, 40]) store(step);
    const rot = (k: string): void => void (server.objects.get(k)!.body[0]! ^= 1);
    rot(key(40, 'state.pt'));
    rot(key(30, 'manifest.json'));
    server.fault = (method, k) =>
      method === 'GET' && k === key(20, 'state.pt') ? { status: 403, code: 'InvalidObjectState' } : undefined;
    const c = copier();
    c.mirror.start(true);
    await c.until(() => c.holds.at(-1) === null);
    expect([c.status.restoredStep, c.abandoned]).toEqual([10, null]);
    const damaged = (step: number, why: string): string =>
      `warn: the checkpoint of step ${step} in S3 is damaged: ${why}`;
    expect(c.events.slice(0, 3)).toEqual([
      damaged(40, 'state.pt does not have the SHA-256 of its manifest'),
      damaged(30, 'manifest.json is not JSON'),
      damaged(20, 'state.pt is in an archive, from which S3 does not give it out'),
    ]);
  });

  it('is filled where the connection breaks after a damaged one, which is read and told of once', async () => {
    store(10, Buffer.alloc(200_000, 5));
    store(20, Buffer.alloc(400_000, 6));
    server.objects.get(key(20, 'state.pt'))!.body[0]! ^= 1;
    cutThrice(key(10, 'state.pt'));
    const c = copier();
    c.mirror.start(true);
    await c.until(() => c.holds.at(-1) === null);
    expect(c.status.restoredStep).toBe(10);
    expect(c.events.filter(e => e.includes('step 20'))).toHaveLength(1);
    expect(server.requests.filter(r => r === `GET ${key(20, 'state.pt')}`)).toHaveLength(1);
  });

  it('that cannot be written is no reason to start without what is there: the job fails, and says why', async () => {
    store(10);
    writeFileSync(folder.at('file'), '');
    const directory = folder.at('file', 'volume');
    const policy = { directory, every: 10, keep: 3, pinEvery: null };
    const c = copier({ policy }, { restoreTimeoutMs: 30 });
    c.mirror.start(true);
    await c.until(() => c.abandoned !== null);
    expect(c.abandoned).toMatch(/^what s3:.* holds cannot be written here \(.*volume: ENOTDIR\)\. Make room/);
    expect(c.holds.some(h => h?.includes('the job fails in'))).toBe(true);
    expect(c.holds.at(-1)).not.toBeNull();
  });

  it('that could not be told of as the latest has it when there is room, and it is not fetched again', async () => {
    store(10);
    mkdirSync(folder.at('LATEST'));
    const c = copier();
    c.mirror.start(true);
    await c.until(() => c.holds.some(h => h?.includes('EISDIR') === true));
    rmSync(folder.at('LATEST'), { recursive: true });
    await c.until(() => c.holds.at(-1) === null);
    expect(readFileSync(folder.at('LATEST'), 'utf8')).toBe('step-00000010\n');
    expect(c.status.restoredStep).toBe(10);
    expect(server.requests.filter(r => r === `GET ${key(10, 'state.pt')}`)).toHaveLength(1);
  });

  it('ends the job where nothing there verifies, and names every one', async () => {
    for (const step of [10, 20]) store(step);
    server.objects.get(key(20, 'manifest.json'))!.body = Buffer.from('{"format": 2}');
    server.objects.get(key(10, 'state.pt'))!.body = Buffer.from('other bytes');
    const c = copier();
    c.mirror.start(true);
    await c.until(() => c.abandoned !== null);
    expect(c.abandoned).toContain('none of the checkpoints in s3://runs/team/a-job verifies (step 20: ');
    expect(c.abandoned).toContain('format 2, and 1 is known; step 10: state.pt does not have the SHA-256');
    expect(existsSync(folder.at('step-00000010'))).toBe(false);
  });
});

it('finishes what is left when it is closed, and does not wait for a server that fails', async () => {
  folder.write(10);
  const c = copier();
  c.mirror.start(false);
  await c.copied(10);
  folder.write(20);
  c.mirror.published();
  await c.mirror.close();
  expect(steps()).toEqual([10, 20]);
  await server.stop();
  const d = copier();
  d.mirror.start(false);
  await d.until(() => d.status.state === 'retrying');
  await d.mirror.close();
});
