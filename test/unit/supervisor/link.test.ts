import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { ControlServer } from '../../../src/master/control-server.ts';
import { MasterKeys } from '../../../src/protocol/membership-proof.ts';
import { createLogger } from '../../../src/shared/log.ts';
import { SupervisorLink } from '../../../src/supervisor/link.ts';
import { keys } from '../master/member.ts';

const open: { close(): unknown }[] = [];
afterEach(() => open.splice(0).map(one => one.close()));

/** A supervisor that has facts to tell. `heard` is what it took for the master's word. */
function supervisor(port: number, key = keys.memberKey('supervisor')): { heard: unknown[] } {
  const heard: unknown[] = [];
  const log = createLogger('supervisor', 'j');
  log.level = 'silent';
  const message = (m: unknown): void => void heard.push(m);
  const link = new SupervisorLink(
    { host: '127.0.0.1', port, job: 'j', id: 's', key: () => key, log, message },
    { answerMs: 100 },
  );
  link.tell([]);
  open.push(link);
  return { heard };
}

/** What somebody else at the master's place hears of each of so many connections, when they are closed. */
async function impostor(connections: number, talk: (socket: Socket) => void): Promise<string[]> {
  const heard: string[] = [];
  const server: Server = createServer();
  open.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const all = new Promise<void>(resolve =>
    server.on('connection', socket => {
      let text = '';
      socket.on('error', () => undefined).on('data', part => (text += String(part)));
      socket.on('close', () => {
        heard.push(text);
        if (heard.length === connections) resolve();
      });
      talk(socket);
    }),
  );
  const { heard: believed } = supervisor(port);
  await all;
  expect(believed).toEqual([]);
  return heard;
}

const challenge = `${JSON.stringify({ type: 'challenge', protocol: 2, nonce: 'ab'.repeat(32) })}\n`;
const state = `${JSON.stringify({ type: 'state', state: 'succeeded', reason: null })}\n`;
const welcome = { type: 'welcome', protocol: 2, job: 'j', heartbeatMs: 1, proof: 'cd'.repeat(64) };

it('who says nothing is left after a while, and tried again', async () => {
  await expect(impostor(2, () => undefined)).resolves.toEqual(['', '']);
});

it('who sends no challenge first hears nothing, and is not believed', async () => {
  await expect(impostor(1, socket => void socket.write(state))).resolves.toEqual(['']);
});

it('who challenges and cannot prove to be the master hears a hello and no facts', async () => {
  const [heard = ''] = await impostor(1, socket => {
    socket.write(challenge);
    socket.once('data', () => socket.write(`${JSON.stringify(welcome)}\n${state}`));
  });
  expect(heard).toContain('"type":"hello"');
  expect(heard).not.toContain('containers');
});

it('the master is told the facts, and believed; one of another job is not', async () => {
  for (const its of [keys, new MasterKeys(Buffer.alloc(32, 'x'))]) {
    const none = (): void => undefined;
    const told = new Promise<string>(resolve => {
      const on = { hello: none, message: none, closed: none, said: none, supervisor: none };
      const server = new ControlServer('j', its, 5000, {
        ...on,
        containers: () => resolve('facts'),
        refused: (_, reason) => resolve(reason),
      });
      open.push(server);
      void server.listen(0, '127.0.0.1').then(port => supervisor(port));
    });
    expect(await told).toEqual(
      its === keys ? 'facts' : expect.stringContaining("does not have the job's key"),
    );
  }
});
