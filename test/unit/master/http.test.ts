import type { Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { appendFileSync, readdirSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Manager } from '../../../src/checkpoint/manager.ts';
import { type Api, serveHttp } from '../../../src/master/http.ts';
import { LastMetrics } from '../../../src/metrics/last.ts';
import { Folder } from '../checkpoint/folder.ts';

const TOKEN = 'the-token-of-this-master';
const owner = { 'x-ftc': '1', authorization: `Bearer ${TOKEN}` };

let folder: Folder;
let server: Server;
let stopped: number;
beforeEach(async () => {
  folder = new Folder();
  for (const step of [10, 20]) folder.write(step);
  stopped = 0;
  const policy = { directory: folder.path, every: 10, keep: 1, pinEvery: null };
  const metrics = new LastMetrics(folder.at('metrics.jsonl'));
  const api: Pick<Api, 'checkpoints' | 'stop' | 'look' | 'defect'> & { status(): object } = {
    status: () => ({ lastMetrics: metrics.line }),
    defect: error => {
      throw error;
    },
    look: () => metrics.look(),
    checkpoints: new Manager(policy, 'a-job'),
    stop: () => (stopped += 1),
  };
  server = await serveHttp(api as unknown as Api, { port: 0, token: TOKEN, names: ['master'] });
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  folder.remove();
});

/** One request as its bytes say, for what no client sends; the whole answer. */
function raw(lines: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    let answer = '';
    socket.on('data', part => (answer += String(part))).on('error', reject);
    socket.on('close', () => resolve(answer));
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  });
}

const ask = (path: string, init: RequestInit = {}) =>
  fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, init);
const post = (path: string, headers: Record<string, string> = {}) => ask(path, { method: 'POST', headers });

it('takes no POST that a page in a browser, or another user, could send', async () => {
  const refused: Record<string, string>[] = [
    {},
    { 'x-ftc': '2' },
    { 'x-ftc': '1' },
    { 'x-ftc': '1', authorization: 'Bearer' },
    { 'x-ftc': '1', authorization: `Bearer ${TOKEN.slice(1)}` },
    { 'x-ftc': '1', authorization: TOKEN },
    { authorization: `Bearer ${TOKEN}` },
    { ...owner, 'x-ftc': '2' },
    { ...owner, origin: 'http://evil.example' },
    { ...owner, origin: 'null' },
  ];
  for (const path of ['/stop', '/checkpoints/prune', '/checkpoints/verify']) {
    for (const headers of refused) expect([path, (await post(path, headers)).status]).toEqual([path, 403]);
    for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS'])
      expect([method, (await ask(path, { method })).status]).toEqual([method, 403]);
  }
  expect([stopped, readdirSync(folder.path).length]).toEqual([0, 2]);
  expect((await post('/checkpoints/prune', owner)).status).toBe(200);
  expect(readdirSync(folder.path)).toEqual(['step-00000020']);
  expect([(await post('/stop', owner)).status, stopped]).toEqual([202, 1]);
});

it('answers under its own names only', async () => {
  const status = async (...hosts: string[]) =>
    (await raw(['GET /status HTTP/1.1', ...hosts.map(host => `host: ${host}`), 'connection: close'])).slice(
      9,
      12,
    );
  for (const host of ['127.0.0.1:7070', 'localhost', 'LocalHost:1', '[::1]:7070', 'master:8080', '127.8.9.1'])
    expect([host, await status(host)]).toEqual([host, '200']);
  for (const host of [
    'evil.example',
    'evil.example:7070',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '127.0.0.1@evil.example',
    '0.0.0.0',
    '192.0.2.7',
    '[::2]',
    'localhost:7070:1',
    'local host',
    '::1',
  ])
    expect([host, await status(host)]).toEqual([host, '421']);
  expect([await status(), await status('localhost', 'evil.example')]).toEqual(['400', '400']);
  expect(await status('')).toBe('421');
});

it('says nosniff whatever it answers, and nothing of what is wrong with a request', async () => {
  const close = ['host: localhost', 'connection: close'];
  for (const target of [
    '//',
    '//evil/status',
    'http://[::1',
    'http://localhost/status',
    '/\\\\evil',
    '*',
    'x',
  ]) {
    const answer = await raw([`GET ${target} HTTP/1.1`, ...close]);
    expect([target, answer.slice(9, 12)]).toEqual([target, '400']);
    expect(answer).toMatch(/x-content-type-options: nosniff/i);
    expect(answer).not.toMatch(/evil|Invalid|Error/);
  }
  for (const lines of [
    ['GET /status', 'rubbish'],
    ['GET /status HTTP/1.1', `x: ${'x'.repeat(20_000)}`, ...close],
  ])
    expect(await raw(lines)).toMatch(/^HTTP\/1.1 4\d\d .*x-content-type-options: nosniff/s);
  for (const path of ['/status', '/nothing', '/checkpoints', '/metrics/steps', '/metrics/steps?after=x'])
    expect((await ask(path)).headers.get('x-content-type-options')).toBe('nosniff');
  expect((await post('/checkpoints/verify', owner)).headers.get('x-content-type-options')).toBe('nosniff');
  expect((await post('/stop')).headers.get('x-content-type-options')).toBe('nosniff');
  expect((await ask('/healthz', { method: 'HEAD' })).status).toBe(200);
});

it('verifies once at a time', async () => {
  writeFileSync(folder.at('step-00000020', 'state.pt'), Buffer.alloc(64 << 20));
  const answers = await Promise.all([1, 2, 3, 4].map(() => post('/checkpoints/verify', owner)));
  expect(answers.map(answer => answer.status).sort()).toEqual([200, 429, 429, 429]);
  await Promise.all(answers.map(answer => answer.text()));
  expect((await post('/checkpoints/prune?dryRun=1', owner)).status).toBe(200);
});

it('lists checkpoints, and gives none of their files to whoever is on the machine', async () => {
  await expect((await ask('/checkpoints')).json()).resolves.toMatchObject([{ step: 20 }, { step: 10 }]);
  for (const path of ['/checkpoints/20/state.pt', '/checkpoints/20/manifest.json', '/checkpoints/other']) {
    expect([path, (await ask(path)).status]).toEqual([path, 404]);
  }
});

it('tells the step metrics above a step, and the newest in the status', async () => {
  const status = async () => (await (await ask('/status')).json()) as { lastMetrics: unknown };
  const steps = async (query: string) => (await ask(`/metrics/steps${query}`)).text();
  expect([await steps(''), (await status()).lastMetrics]).toEqual(['', null]);
  const lines = [1, 2, 3].map(step => `{"step":${step},"epoch":0,"samples":24,"loss":0.5,"acc":null}\n`);
  writeFileSync(folder.at('metrics.jsonl'), lines.join(''));
  appendFileSync(folder.at('metrics.jsonl'), '{"step":4');
  expect(await steps('')).toBe(lines.join(''));
  expect(await steps('?after=1')).toBe(lines.slice(1).join(''));
  expect(await steps('?after=3')).toBe('');
  expect((await status()).lastMetrics).toEqual({ step: 3, epoch: 0, samples: 24, loss: 0.5, acc: null });
  for (const query of ['?after=x', '?after=1.5', '?after=-2'])
    expect((await ask(`/metrics/steps${query}`)).status).toBe(400);
  expect((await post('/metrics/steps', owner)).status).toBe(404);
});

it('names what it does not know', async () => {
  const answer = await ask('/nothing');
  expect([answer.status, await answer.json()]).toEqual([404, { error: 'GET /nothing is not known here' }]);
});
