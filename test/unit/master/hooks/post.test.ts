import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { judge, post } from '../../../../src/master/hooks/post.ts';
import { selfSigned } from '../../../fakes/certificate.ts';
import { HookServer } from '../../../fakes/hook-server.ts';

const TOKEN = 'T0canary';
let server: HookServer;
beforeEach(async () => void (server = await HookServer.start()));
afterEach(() => server.close());

describe('sending to a URL', () => {
  it('is a POST of JSON, to all of the URL', async () => {
    const url = server.url(`/hook/${TOKEN}?key=a%20b`).replace('://', '://me:secret@');
    expect(await post(url, '{"a":"ä"}')).toEqual({ outcome: 'delivered', text: 'answers 200' });
    const [{ path, headers, body }] = server.got as [HookServer['got'][number]];
    expect(path).toBe(`/hook/${TOKEN}?key=a%20b`);
    expect(body).toBe('{"a":"ä"}');
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      authorization: `Basic ${Buffer.from('me:secret').toString('base64')}`,
    });
  });

  it.each([
    [200, 'delivered'],
    [204, 'delivered'],
    [301, 'never'],
    [307, 'never'],
    [400, 'never'],
    [404, 'never'],
    [410, 'never'],
    [408, 'later'],
    [429, 'later'],
    [500, 'later'],
    [503, 'later'],
  ] as const)('is judged by the status: %i is %s', (code, outcome) => {
    expect(judge(code)).toMatchObject({ outcome, text: expect.stringContaining(String(code)) as string });
  });

  it('follows no redirect, and shows nothing of it', async () => {
    server.reply = response =>
      void response.writeHead(302, { location: server.url(`/elsewhere/${TOKEN}`) }).end(TOKEN);
    const answer = await post(server.url(`/${TOKEN}`), '{}');
    expect(answer).toEqual({ outcome: 'never', text: 'answers 302: redirects are not followed' });
    expect(server.got).toHaveLength(1);
  });

  it('reads no more than a little of a huge answer', async () => {
    let sent = 0;
    const closed = new Promise<void>(resolve => {
      server.reply = response => {
        response.on('close', resolve);
        const more = (): void => {
          while (!response.destroyed && response.write(Buffer.alloc(64 << 10))) sent += 64 << 10;
          if (!response.destroyed) response.once('drain', more);
        };
        more();
      };
    });
    expect((await post(server.url(), '{}')).outcome).toBe('delivered');
    await closed;
    expect(sent).toBeLessThan(16 << 20);
  });

  it('gives up on a server that does not answer, or whose answer does not end', async () => {
    server.reply = () => undefined;
    const begun = performance.now();
    const answer = await post(server.url(), '{}', { timeoutMs: 100 });
    expect(answer).toEqual({ outcome: 'later', text: 'does not answer within 0.1 s' });
    expect(performance.now() - begun).toBeLessThan(5000);
    const closed = new Promise<void>(resolve => {
      server.reply = response => {
        response.on('close', resolve);
        response.writeHead(200).write('x');
      };
    });
    expect((await post(server.url(), '{}', { timeoutMs: 100 })).outcome).toBe('delivered');
    await closed;
  });

  it('is ended from outside', async () => {
    server.reply = () => undefined;
    const ending = new AbortController();
    const answer = post(server.url(), '{}', { signal: ending.signal });
    await server.until(1);
    ending.abort();
    expect(await answer).toMatchObject({ outcome: 'later' });
  });

  it('says what is wrong with a connection without a part of the URL', async () => {
    const url = server.url(`/${TOKEN}`);
    server.reply = response => void response.destroy();
    const answers = [await post(url, '{}')];
    await server.close();
    answers.push(await post(url, '{}'), await post(`http://no-such-host.invalid/${TOKEN}`, '{}'));
    server = await HookServer.start();
    for (const { outcome, text } of answers) {
      expect(outcome).toBe('later');
      expect(text).not.toContain(TOKEN);
    }
    expect(answers.map(({ text }) => text)[0]).toBe('closed the connection (ECONNRESET)');
    expect(answers.map(({ text }) => text)[1]).toBe('refuses the connection (ECONNREFUSED)');
  });
});

it('verifies certificates, with the authorities of a bundle besides those that are known', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ftctest-post-'));
  const secure = await HookServer.start('127.0.0.1', selfSigned(folder, '127.0.0.1'));
  try {
    const url = secure.url(`/${TOKEN}`);
    const untrusted = await post(url, '{}');
    expect(untrusted.outcome).toBe('later');
    expect(untrusted.text).toMatch(
      /^has a certificate that is not trusted here \(.*\): hooks\.caBundle names/,
    );
    expect(await post(url, '{}', { caBundle: join(folder, 'nowhere') })).toEqual({
      outcome: 'later',
      text: 'cannot be trusted: hooks.caBundle cannot be read (ENOENT)',
    });
    expect(secure.got).toEqual([]);
    expect(await post(url, '{}', { caBundle: join(folder, 'cert.pem') })).toMatchObject({
      outcome: 'delivered',
    });
  } finally {
    await secure.close();
    rmSync(folder, { recursive: true });
  }
});
