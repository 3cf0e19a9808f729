import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readdirSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Manager } from '../../../src/checkpoint/manager.ts';
import { type Api, serveHttp } from '../../../src/master/http.ts';
import { Folder } from '../checkpoint/folder.ts';

let folder: Folder;
let server: Server;
let stopped: number;
beforeEach(async () => {
  folder = new Folder();
  for (const step of [10, 20]) folder.write(step);
  stopped = 0;
  const policy = { directory: folder.path, every: 10, keep: 1, pinEvery: null };
  const api: Pick<Api, 'checkpoints' | 'stop'> = {
    checkpoints: new Manager(policy, 'a-job'),
    stop: () => (stopped += 1),
  };
  server = await serveHttp(api as Api, 0);
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

it('names what it does not know', async () => {
  const answer = await ask('/nothing');
  expect([answer.status, await answer.json()]).toEqual([404, { error: 'GET /nothing is not known here' }]);
});
