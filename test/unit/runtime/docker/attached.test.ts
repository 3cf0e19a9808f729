import { createServer, request } from 'node:http';
import { Duplex, PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterEach, expect, it } from 'vitest';
import { StreamAgent } from '../../../../src/client/stream-agent.ts';
import { Attached } from '../../../../src/runtime/docker/attached.ts';

const frame = (kind: number, data: Buffer): Buffer => {
  const header = Buffer.alloc(8);
  header[0] = kind;
  header.writeUInt32BE(data.length, 4);
  return Buffer.concat([header, data]);
};

/** The engine's end of a connection: what it sends, and what it was sent. */
function engine() {
  const [sent, received] = [new PassThrough(), new PassThrough()];
  return { sent, received, raw: Duplex.from({ readable: sent, writable: received }) };
}

const open: Attached[] = [];
afterEach(() => open.splice(0).forEach(stream => stream.destroy()));
function attach(raw: Duplex): Attached {
  const stream = new Attached(raw);
  open.push(stream);
  return stream;
}

it('gives what was printed to stdout, however the frames are cut', async () => {
  const part = fc.record({ kind: fc.constantFrom(1, 1, 2), data: fc.uint8Array({ maxLength: 40 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(part), fc.array(fc.integer({ min: 1, max: 30 })), async (parts, cuts) => {
      const { sent, raw } = engine();
      const stream = attach(raw);
      const bytes = Buffer.concat(parts.map(({ kind, data }) => frame(kind, Buffer.from(data))));
      const read = stream.toArray() as Promise<Buffer[]>;
      let at = 0;
      for (const cut of cuts) sent.write(bytes.subarray(at, (at += cut)));
      sent.end(bytes.subarray(at));
      const stdout = Buffer.concat(parts.filter(p => p.kind === 1).map(p => Buffer.from(p.data)));
      expect(Buffer.concat(await read).equals(stdout)).toBe(true);
    }),
  );
});

it('keeps what was printed for people', async () => {
  const { sent, raw } = engine();
  const stream = attach(raw);
  sent.end(
    Buffer.concat([
      frame(2, Buffer.from('no such ')),
      frame(1, Buffer.from('x')),
      frame(2, Buffer.from('file')),
    ]),
  );
  await expect(text(stream)).resolves.toBe('x');
  expect(stream.stderr).toBe('no such file');
});

it('keeps the container waiting while nobody reads', async () => {
  const { sent, raw } = engine();
  const stream = attach(raw);
  const data = Buffer.alloc(64 * 1024, 1);
  let frames = 0;
  while (sent.write(frame(1, data)) || frames < 10) frames += 1;
  await new Promise(done => setImmediate(done));
  expect(stream.readableLength).toBeLessThan(3 * data.length);
  sent.end();
  expect(((await stream.toArray()) as Buffer[]).reduce((sum, part) => sum + part.length, 0)).toBe(
    (frames + 1) * data.length,
  );
});

it('carries HTTP, one request after the other', async () => {
  const { sent, received, raw } = engine();
  const server = createServer((asked, response) =>
    response.end(`${asked.method} ${asked.url} ${'x'.repeat(100_000)}`),
  );
  const stdout = new PassThrough();
  stdout.on('data', (data: Buffer) => sent.write(frame(1, data)));
  server.emit('connection', Duplex.from({ readable: received, writable: stdout }));
  const agent = new StreamAgent(attach(raw));
  const get = (path: string) =>
    new Promise<string>((resolve, reject) => {
      request(`http://ftc${path}`, { agent }, response => void text(response).then(resolve, reject))
        .on('error', reject)
        .end();
    });
  for (const path of ['/a', '/b', '/c']) {
    const body = await get(path);
    expect([body.slice(0, 7), body.length]).toEqual([`GET ${path} `.slice(0, 7), 100_007]);
  }
});
