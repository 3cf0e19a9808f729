import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { appendFileSync, readdirSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Manager } from '../../../src/checkpoint/manager.ts';
import { type Api, serveHttp } from '../../../src/master/http.ts';
import { LastMetrics } from '../../../src/metrics/last.ts';
import { Folder } from '../checkpoint/folder.ts';

let folder: Folder;
let server: Server;
let stopped: number;
beforeEach(async () => {
  folder = new Folder();
  for (const step of [10, 20]) folder.write(step);
  stopped = 0;
  const policy = { directory: folder.path, every: 10, keep: 1, pinEvery: null };
  const metrics = new LastMetrics(folder.at('metrics.jsonl'));
  const api: Pick<Api, 'checkpoints' | 'stop' | 'look'> & { status(): object } = {
    status: () => ({ lastMetrics: metrics.line }),
    look: () => metrics.look(),
    checkpoints: new Manager(policy, 'a-job'),
    stop: () => (stopped += 1),
  };
  server = await serveHttp(api as unknown as Api, 0);
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  folder.remove();
});

const ask = (path: string, init: RequestInit = {}) =>
  fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, init);
const post = (path: string, headers: Record<string, string> = {}) => ask(path, { method: 'POST', headers });

it('takes no POST that a page in a browser could send', async () => {
  for (const path of ['/stop', '/checkpoints/prune', '/checkpoints/verify']) {
    for (const headers of [{}, { 'x-ftc': '2' }, { 'x-ftc': '1', origin: 'http://evil.example' }]) {
      expect([path, (await post(path, headers as Record<string, string>)).status]).toEqual([path, 403]);
    }
  }
  expect([stopped, readdirSync(folder.path).length]).toEqual([0, 2]);
  expect((await post('/checkpoints/prune', { 'x-ftc': '1' })).status).toBe(200);
  expect(readdirSync(folder.path)).toEqual(['step-00000020']);
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
  expect((await post('/metrics/steps', { 'x-ftc': '1' })).status).toBe(404);
});

it('names what it does not know', async () => {
  const answer = await ask('/nothing');
  expect([answer.status, await answer.json()]).toEqual([404, { error: 'GET /nothing is not known here' }]);
});
