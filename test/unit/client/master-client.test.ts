import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { tokenOf } from '../../../src/runtime/docker/job/token.ts';
import { MasterClient } from '../../../src/client/master-client.ts';
import type { Container } from '../../../src/runtime/docker/engine.ts';

async function answering(body: string, ask: (master: MasterClient) => Promise<unknown>): Promise<unknown> {
  const seen: unknown[] = [];
  const server = createServer((request, response) => {
    seen.push([request.method, request.headers['x-ftc'], request.headers.authorization]);
    response.end(body);
  }).listen(0, '127.0.0.1');
  await new Promise(done => server.once('listening', done));
  try {
    await ask(new MasterClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
    return seen;
  } finally {
    server.close();
  }
}

it('says what it cannot read instead of an exception of its own', async () => {
  const unreadable = (what: string) => ({
    code: 'FTC_MASTER_UNREACHABLE',
    message: expect.stringContaining(what) as string,
  });
  await expect(answering('[]', m => m.status())).rejects.toMatchObject(
    unreadable('what the master answers to /status'),
  );
  await expect(answering('<html>', m => m.events(0))).rejects.toMatchObject(
    unreadable('it is no JSON of ours'),
  );
  const poisoned = [
    {
      seq: 1,
      at: 1,
      kind: 'note',
      level: 'info',
      text: '',
      generation: 2 ** 53,
      worker: null,
      rank: null,
      step: null,
    },
  ];
  await expect(answering(JSON.stringify(poisoned), m => m.events(0))).rejects.toMatchObject(
    unreadable('"0.generation"'),
  );
});

it('gives the token with what changes something', async () => {
  expect(await answering('{}', m => m.stop('the-token'))).toEqual([['POST', '1', 'Bearer the-token']]);
  expect(await answering('[]', m => m.events(0))).toEqual([['GET', undefined, undefined]]);
  await expect(tokenOf({} as never, [])).rejects.toMatchObject({ code: 'FTC_MASTER_UNREACHABLE' });
  const paused = { role: 'master', state: 'paused' } as Container;
  await expect(tokenOf({} as never, [paused])).rejects.toThrow('is paused');
});
