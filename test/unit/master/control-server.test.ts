import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ControlServer } from '../../../src/master/control-server.ts';
import { isMaster, MasterKeys } from '../../../src/protocol/membership-proof.ts';
import { MAX_LINE_BYTES, PROTOCOL_VERSION } from '../../../src/protocol/fields.ts';
import { challengeIn, keys, proven } from './member.ts';

let seen: unknown[];
let server: ControlServer;
let port: number;
let sockets: Socket[];
let changed: (() => void) | null = null;

beforeEach(async () => {
  seen = [];
  sockets = [];
  const note = (...what: unknown[]) => {
    seen.push(what);
    changed?.();
  };
  server = new ControlServer('a-job', keys, 5000, {
    hello: ({ id, incarnation }) => note('hello', id, incarnation),
    message: (id, incarnation, { type }) => note(type, id, incarnation),
    closed: (id, incarnation) => note('closed', id, incarnation),
    supervisor: () => note('supervisor'),
    containers: workers => note('containers', workers.length),
    said: ({ what }) => note('said', what),
    refused: (_address, reason) => note('refused', reason),
  });
  port = await server.listen(0, '127.0.0.1');
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await server.close();
});

/** Until the server was told `count` things. */
async function told(count: number): Promise<unknown[]> {
  while (seen.length < count) await new Promise<void>(resolve => (changed = resolve));
  return seen;
}

const hello = (more: object = {}) => ({
  type: 'hello',
  role: 'worker',
  protocol: PROTOCOL_VERSION,
  job: 'a-job',
  id: 'w1',
  incarnation: 'i1',
  startedAt: 1,
  host: '127.0.0.1',
  storePort: 1234,
  step: 0,
  holdsState: false,
  ready: false,
  generation: null,
  totalSteps: null,
  ...more,
});
const supervisor = { type: 'hello', role: 'supervisor', protocol: PROTOCOL_VERSION, job: 'a-job', id: 's1' };
const leaving = { type: 'leaving', step: 3, checkpointed: false };

interface Dialled {
  /** A hello is given the proof that a member's has. */
  say(...messages: object[]): void;
  readonly raw: Socket;
  readonly challenge: string;
  /** The first line after the challenge. */
  answer(): Promise<string>;
  /** All that the server says after the challenge, until it closes the link. */
  readonly end: Promise<string>;
}

/** A client that has been challenged. */
async function dial(): Promise<Dialled> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8');
  socket.on('error', () => undefined); // it is reset where it still speaks
  sockets.push(socket);
  let text = '';
  socket.on('data', (part: string) => (text += part));
  const line = async (): Promise<string> => {
    while (!text.includes('\n')) await once(socket, 'data');
    return text.slice(0, text.indexOf('\n'));
  };
  const first = await line();
  text = text.slice(first.length + 1);
  const challenge = challengeIn(first);
  const prove = (m: object): object =>
    'type' in m && m.type === 'hello' && !('proof' in m)
      ? proven(m as ReturnType<typeof hello>, challenge)
      : m;
  return {
    raw: socket,
    challenge,
    say: (...messages) => socket.write(messages.map(m => `${JSON.stringify(prove(m))}\n`).join('')),
    answer: line,
    end: new Promise(resolve => socket.on('close', () => resolve(text))),
  };
}

describe('the control link', () => {
  it('welcomes a worker and takes what it says, in order', async () => {
    const worker = await dial();
    worker.say(hello(), leaving);
    expect(JSON.parse(await worker.answer())).toEqual({
      type: 'welcome',
      protocol: PROTOCOL_VERSION,
      job: 'a-job',
      heartbeatMs: 1000,
      proof: expect.stringMatching(/^[0-9a-f]{128}$/) as string,
    });
    await told(2);
    worker.raw.end();
    expect(await told(3)).toEqual([
      ['hello', 'w1', 'i1'],
      ['leaving', 'w1', 'i1'],
      ['closed', 'w1', 'i1'],
    ]);
  });

  it('goes without calling anybody gone, and waits for nobody who has not said hello', async () => {
    const [worker, silent] = [await dial(), await dial()];
    worker.say(hello());
    await told(1);
    const ends = [once(worker.raw, 'close'), once(silent.raw, 'close')];
    await server.close();
    await Promise.all(ends);
    expect(seen).toEqual([['hello', 'w1', 'i1']]);
  });

  it('listens to the newest link of a worker; the one that it replaces is closed without news', async () => {
    const first = await dial();
    first.say(hello());
    await told(1);
    const second = await dial();
    second.say(hello({ incarnation: 'i2' }));
    await told(2);
    await first.end;
    server.send('w1', { type: 'stop', reason: 'test' });
    second.say(leaving);
    await told(3);
    expect(seen).toEqual([
      ['hello', 'w1', 'i1'],
      ['hello', 'w1', 'i2'],
      ['leaving', 'w1', 'i2'],
    ]);
    server.drop('w1');
    expect(await second.end).toContain('{"type":"stop","reason":"test"}');
    expect(seen).toHaveLength(3);
  });

  it('takes the containers from a supervisor, and nothing else', async () => {
    const link = await dial();
    link.say(supervisor, { type: 'containers', workers: [] }, leaving);
    expect(await link.end).toContain('"refused","reason":"the supervisor may not say leaving"');
    expect(seen.slice(0, 2)).toEqual([['supervisor'], ['containers', 0]]);
  });

  it.each([
    ['an unknown type by its name', [hello(), { type: 'dance' }], 'unknown message type dance'],
    ['a message that lacks its type', [hello(), {}], 'unknown message type none'],
    ['a name that every object has', [{ type: 'constructor' }], 'unknown message type constructor'],
    ['a wrong field by its name', [hello({ storePort: 0 })], 'hello: storePort '],
    ['another job', [hello({ job: 'b-job' })], 'job b-job is not this job, a-job'],
    ['another protocol', [hello({ protocol: 1 })], 'protocol 1 is spoken here as 2'],
    [
      'an older image, which proves nothing',
      [hello({ protocol: 1, proof: '' })],
      'protocol 1 is spoken here as 2',
    ],
    ['who does not say hello first', [leaving], 'expected hello, got leaving'],
    ['a second hello', [hello(), hello()], 'a worker may not say hello here'],
    ['containers from a worker', [hello(), { type: 'containers', workers: [] }], 'may not say containers'],
  ])('refuses %s, and closes', async (_, messages, reason) => {
    const link = await dial();
    link.say(...messages, leaving);
    const last = JSON.parse((await link.end).trimEnd().split('\n').at(-1) ?? '') as object;
    expect(last).toMatchObject({ type: 'refused', reason: expect.stringContaining(reason) as string });
    expect(seen).not.toContainEqual(['leaving', 'w1', 'i1']);
  });

  const zeros = '0'.repeat(64);
  it.each([
    ['without a proof', (c: string) => ({ ...hello(), nonce: c, proof: '' })],
    ['with a proof of nothing', (c: string) => ({ ...hello(), nonce: c, proof: zeros })],
    ['by the key of another job', (c: string) => proven(hello(), c, new MasterKeys(Buffer.alloc(32, 'x')))],
    ['from a worker that says to be the supervisor', (c: string) => proven(supervisor, c, keys, 'worker')],
    ['from a supervisor that says to be a worker', (c: string) => proven(hello(), c, keys, 'supervisor')],
    ['that answers another challenge', () => proven(hello(), zeros)],
    ['under another id than it was proven for', (c: string) => ({ ...proven(hello(), c), id: 'w2' })],
  ])('refuses a hello %s, and does not sign that', async (_, make) => {
    const link = await dial();
    link.say(make(link.challenge), leaving);
    const last = JSON.parse((await link.end).trimEnd()) as object;
    expect(last).toEqual({
      type: 'refused',
      reason: expect.stringContaining("job's key") as string,
      proof: '',
    });
    expect(seen).toEqual([['refused', expect.any(String)]]);
  });

  it('proves that it is the master, also when it refuses a member', async () => {
    const [fine, wrong] = [await dial(), await dial()];
    const said = [proven(hello(), fine.challenge), proven(hello({ job: 'b-job' }), wrong.challenge)] as const;
    fine.say(said[0]);
    wrong.say(said[1]);
    const key = keys.memberKey('worker');
    const answers = [await fine.answer(), await wrong.answer()].map(
      text => JSON.parse(text) as { type: 'welcome' | 'refused'; proof: string },
    );
    for (const [i, link] of [fine, wrong].entries()) {
      const [hello, answer] = [said[i], answers[i]];
      if (!hello || !answer) throw new Error('there are two');
      const { job, id, nonce } = hello;
      const meeting = { job, role: 'worker', id, challenge: link.challenge, nonce } as const;
      expect(isMaster(key, answer.type, meeting, answer.proof)).toBe(true);
      expect(isMaster(key, answer.type, { ...meeting, nonce: zeros }, answer.proof)).toBe(false);
      expect(isMaster(key, answer.type === 'welcome' ? 'refused' : 'welcome', meeting, answer.proof)).toBe(
        false,
      );
      expect(
        isMaster(new MasterKeys(Buffer.alloc(32)).memberKey('worker'), answer.type, meeting, answer.proof),
      ).toBe(false);
    }
    expect(answers.map(({ type }) => type)).toEqual(['welcome', 'refused']);
  });

  it('challenges each link with something else', async () => {
    const links = await Promise.all(Array.from({ length: 20 }, dial));
    expect(new Set(links.map(({ challenge }) => challenge)).size).toBe(20);
  });

  it('refuses a line that has no end in sight, once', async () => {
    const link = await dial();
    link.raw.write(Buffer.alloc(4 * MAX_LINE_BYTES, 'x'));
    await link.end;
    expect(seen).toEqual([['refused', `a line is longer than ${MAX_LINE_BYTES} bytes`]]);
  });

  it('survives anything, and tells nobody about it', async () => {
    const garbage = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 300 }).map(bytes => Buffer.from(bytes)),
      fc.json().map(text => Buffer.from(text)),
      fc.json().map(text => Buffer.from(`{"type":"hello","role":${text}}`)),
    );
    await fc.assert(
      fc.asyncProperty(garbage, async bytes => {
        seen = [];
        const link = await dial();
        link.raw.end(Buffer.concat([bytes, Buffer.from('\n')]));
        await link.end;
        expect(seen).toEqual([['refused', expect.any(String)]]);
      }),
      { numRuns: 200 },
    );
    const worker = await dial();
    worker.say(hello());
    expect(await worker.answer()).toContain('welcome');
  });

  it('takes no message with a field that is wrong, however it comes in pieces, and says which', async () => {
    const heartbeat = {
      ...{ type: 'heartbeat', generation: 3, step: 17, phase: 'reduce', loss: 0.5, samples: 9, epoch: 0 },
      ...{ at: 1, phaseMs: 1, computeMs: 2, slices: 1, waitMs: 3 },
    };
    const field = fc.constantFrom(...Object.keys(heartbeat).filter(key => key !== 'type'));
    // As JSON text: what JavaScript cannot write is read too, 1e400 as infinity.
    const wrong = fc.constantFrom('-1', '1e400', '-1e400', '"ünï"', '[]', '{}', 'true', '"\\ud800"', '1e308');
    const cuts = fc.array(fc.nat({ max: 200 }), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(field, wrong, cuts, async (key, value, at) => {
        if ((key === 'loss' || key === 'at') && /^(-1|1e308)$/.test(value)) return;
        if (key.endsWith('Ms') && value === '1e308') return;
        seen = [];
        const link = await dial();
        const text = JSON.stringify({ ...heartbeat, [key]: '@' }).replace('"@"', value);
        const bytes = Buffer.from(`${JSON.stringify(proven(hello(), link.challenge))}\n${text}\n`);
        const ends = [...new Set(at.map(x => Math.min(bytes.length, x * 2)))].sort((a, b) => a - b);
        for (const [i, end] of [...ends, bytes.length].entries())
          link.raw.write(bytes.subarray(ends[i - 1] ?? 0, end));
        expect(await link.end).toContain(`heartbeat: ${key}`);
        expect(seen.map(s => (s as string[])[0])).not.toContain('heartbeat');
        expect(seen).toContainEqual(['refused', expect.stringContaining(`heartbeat: ${key}`)]);
      }),
      { numRuns: 150 },
    );
  });

  it('reads letters of several bytes wherever they are cut', async () => {
    const link = await dial();
    link.say(hello());
    await link.answer();
    const bytes = Buffer.from(`${JSON.stringify({ type: 'note', level: 'info', text: 'größer 模型' })}\n`);
    for (const byte of bytes) {
      link.raw.write(Buffer.of(byte));
      await new Promise(resolve => setImmediate(resolve));
    }
    await told(2);
    expect(seen[1]).toEqual(['note', 'w1', 'i1']);
  });
});
