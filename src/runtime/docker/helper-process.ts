/** What goes to and comes from a container that is attached to. */
import { PassThrough } from 'node:stream';
import type Docker from 'dockerode';
import type { HelperProcess } from '../faults.ts';
import { lines } from './lines.ts';

/** Sorts what comes into stdout and stderr, and ends both when it does. */
export function demux(
  container: Docker.Container,
  stream: NodeJS.ReadableStream,
  out: PassThrough,
  err: PassThrough,
): void {
  (container.modem as { demuxStream(...streams: unknown[]): void }).demuxStream(stream, out, err);
  const close = (): void => {
    out.end();
    err.end();
  };
  for (const event of ['end', 'close', 'error']) stream.on(event, close);
}

export function helperProcess(container: Docker.Container, stream: NodeJS.ReadWriteStream): HelperProcess {
  const [out, err] = [new PassThrough(), new PassThrough()];
  let said = '';
  err.on('data', (part: Buffer) => (said += part.toString('utf8')));
  demux(container, stream, out, err);
  const iterator = lines(out);
  return {
    id: container.id,
    async line() {
      const next = await iterator.next();
      return next.done ? null : next.value;
    },
    send: line => void stream.write(`${line}\n`),
    complaint: () => said.trim(),
    release: () => (stream as unknown as { destroy(): void }).destroy(),
  };
}
