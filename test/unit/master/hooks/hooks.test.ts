import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Hooks, type HooksOptions } from '../../../../src/master/hooks/hooks.ts';
import type { HistoryEntry } from '../../../../src/master/membership/events.ts';
import type { Status } from '../../../../src/api/status.ts';
import type { Logger } from '../../../../src/shared/log.ts';
import { HookServer } from '../../../fakes/hook-server.ts';
import { recovery, status } from './seen.ts';

const TOKEN = 'T0canary';
let folder: string;
let server: HookServer;
let job: Status;
let told: HistoryEntry[];
let logged: string;
let open: Hooks[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ftctest-hooks-'));
  server = await HookServer.start();
  job = status();
  told = [];
  logged = '';
  open = [];
});
afterEach(async () => {
  server.reply = response => void response.end();
  await Promise.all(open.map(hooks => hooks.close()));
  await server.close();
  rmSync(folder, { recursive: true });
});

const note = (...words: unknown[]): void => void (logged += `${JSON.stringify(words)}\n`);
const log = { info: note, warn: note, error: note } as unknown as Logger;
const events = [
  { kind: 'state', seq: 11 },
  { kind: 'recovered', seq: 12 },
  { kind: 'note', seq: 13 },
] as never;

/** A master's hooks, whose URLs all lead to the server. */
function master(more: Partial<HooksOptions> = {}): Hooks {
  const file = join(folder, 'urls.json');
  const urls = [server.url(`/${TOKEN}`)];
  writeFileSync(file, JSON.stringify({ onFailure: urls, onRecovery: urls, onSuccess: urls }));
  const hooks = new Hooks({
    config: { names: ['onFailure', 'onRecovery', 'onSuccess'], caBundle: null },
    run: 'a1',
    folder: join(folder, 'journal'),
    log,
    tell: entry => told.push(entry),
    status: () => job,
    events: () => events,
    file,
    ...more,
  });
  open.push(hooks);
  hooks.start();
  return hooks;
}

describe('the hooks of a master', () => {
  it('tell of a recovery and of the end, once, with the number of the event', async () => {
    const hooks = master();
    job = status({ recoveries: [recovery(100)] });
    hooks.look();
    hooks.look();
    await server.until(1);
    job = status({ state: 'succeeded', recoveries: [recovery(100)] });
    hooks.look();
    hooks.look();
    await server.until(2);
    await hooks.close();
    expect(server.told).toMatchObject([
      { hook: 'onRecovery', event: 12, count: 1 },
      { hook: 'onSuccess', event: 11 },
    ]);
    expect(told).toEqual([]);
  });

  it('say nothing again after a restart, and know nothing of another run', async () => {
    job = status({ state: 'failed', reason: 'no' });
    const first = master();
    await server.until(1);
    await first.close();
    await master().close();
    expect(server.got).toHaveLength(1);
    await master({ run: 'b2' }).close();
    expect(server.got).toHaveLength(2);
    expect(new Set(server.told.map(({ id }) => id)).size).toBe(2);
  });

  it('send after a restart what was not delivered before it, and what was not even noticed, under the same id', async () => {
    server.reply = response => void response.writeHead(503).end();
    job = status({ state: 'succeeded', recoveries: [recovery(100)] });
    const first = master();
    await server.until(2);
    await first.close();
    const ids = new Set(server.told.map(({ id }) => id));
    expect(ids.size).toBe(2);
    server.got.length = 0;
    server.reply = response => void response.end();
    const second = master();
    await server.until(2);
    await second.close();
    expect(new Set(server.told.map(({ id }) => id))).toEqual(ids);
    // Delivered now: a third one has nothing left.
    await master().close();
    expect(server.got).toHaveLength(2);
  });

  it('give up on a server that says no, and name its host and the status, nothing else', async () => {
    server.reply = response => void response.writeHead(404).end(TOKEN);
    job = status({ state: 'succeeded' });
    const hooks = master();
    await server.until(1);
    await hooks.close();
    expect(told).toMatchObject([
      {
        level: 'warn',
        fact: {
          ...{ what: 'hook-undelivered', hook: 'onSuccess', host: `127.0.0.1:${server.port}` },
          ...{ tries: 1, outcome: 'answers 404' },
        },
      },
    ]);
    for (const text of [JSON.stringify(told), logged]) expect(text).not.toContain(TOKEN);
  });

  it('try again where a server fails twice, and keep no URL on the disk', async () => {
    server.reply = (response, count) => void response.writeHead(count < 3 ? 500 : 200).end();
    job = status({ state: 'succeeded' });
    master();
    await server.until(2);
    const kept = readFileSync(join(folder, 'journal/hooks.json'), 'utf8');
    expect(JSON.parse(kept)).toMatchObject({ run: 'a1', seen: { ended: true }, unsent: [{ to: 0 }] });
    expect(kept).not.toContain(TOKEN);
    await server.until(3);
    expect(new Set(server.told.map(({ id }) => id)).size).toBe(1);
    expect(told).toEqual([]);
  });

  it('deliver without a disk, or with one that cannot be written, or holds nonsense', async () => {
    job = status({ state: 'succeeded' });
    await master({ folder: null }).close();
    await master({ folder: '/dev/null/journal' }).close();
    mkdirSync(join(folder, 'journal'));
    for (const text of ['', '{"run": 5}', '['.repeat(1000)]) {
      writeFileSync(join(folder, 'journal/hooks.json'), text);
      await master().close();
    }
    rmSync(join(folder, 'journal/hooks.json'));
    symlinkSync('/etc/passwd', join(folder, 'journal/hooks.json'));
    await master().close();
    expect(server.got).toHaveLength(6);
    expect(new Set(server.told.map(({ id }) => id)).size).toBe(1);
    expect(readFileSync('/etc/passwd', 'utf8')).toContain('root');
  });

  it.each<[string, string | null]>([
    ['no file was handed over', null],
    ['no file was handed over', '/dev/null'],
    ['its file is no JSON', `{"onFailure": "${TOKEN}`],
    ['its file does not hold lists of URLs', `{"onFailure": "https://${TOKEN}/"}`],
    ['its file does not hold lists of URLs', `{"onFailure": ["ftp://${TOKEN}/"]}`],
    ['its file has none', '{"onFailure": []}'],
  ])('say why no URL is known: %s (%s)', async (why, text) => {
    const file = text === '/dev/null' ? text : join(folder, 'other.json');
    if (text !== null && text !== file) writeFileSync(file, text);
    job = status({ state: 'failed' });
    await master({ file, config: { names: ['onFailure'], caBundle: null } }).close();
    expect(told).toHaveLength(1);
    expect(told[0]?.fact).toMatchObject({
      what: 'hook-unknown',
      hooks: ['onFailure'],
      reason: expect.stringContaining(why) as string,
    });
    expect(JSON.stringify(told)).not.toContain(TOKEN);
  });

  it('do not wait long for a server that hangs when the master is stopped', async () => {
    server.reply = () => undefined;
    job = status({ state: 'succeeded' });
    const hooks = master();
    await server.until(1);
    const begun = performance.now();
    await hooks.close();
    expect(performance.now() - begun).toBeLessThan(8000);
    expect(readFileSync(join(folder, 'journal/hooks.json'), 'utf8')).toContain('onSuccess');
  });
});
