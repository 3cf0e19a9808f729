import { Readable } from 'node:stream';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { unframe } from '../../../../src/runtime/docker/frames.ts';
import { lines } from '../../../../src/runtime/docker/lines.ts';

/** Cuts at any byte, characters included. */
function cut(data: Buffer, at: readonly number[]): Buffer[] {
  const edges = [...new Set([0, ...at.map(n => n % (data.length + 1)), data.length])].sort((a, b) => a - b);
  return edges.slice(1).map((end, index) => data.subarray(edges[index], end));
}

it('gives whole lines, wherever the stream is cut', async () => {
  const line = fc
    .string({ unit: 'binary', minLength: 1 })
    .filter(text => !text.includes('\n') && text.trim() !== '');
  await fc.assert(
    fc.asyncProperty(fc.array(line), fc.array(fc.nat()), fc.boolean(), async (texts, cuts, ends) => {
      const data = Buffer.from(texts.join('\n') + (ends ? '\n' : ''));
      const read: string[] = [];
      for await (const text of lines(Readable.from(cut(data, cuts)))) read.push(text);
      expect(read).toEqual(texts);
    }),
  );
});

it('takes the frames off what a container printed', () => {
  const frame = (stream: number, text: string): Buffer => {
    const head = Buffer.alloc(8);
    head[0] = stream;
    head.writeUInt32BE(Buffer.byteLength(text), 4);
    return Buffer.concat([head, Buffer.from(text)]);
  };
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(1, 2), fc.string({ unit: 'grapheme' }))), parts => {
      const data = Buffer.concat(parts.map(([stream, text]) => frame(stream, text)));
      expect(unframe(data)).toBe(parts.map(([, text]) => text).join(''));
    }),
  );
  expect(unframe(frame(1, 'cut off').subarray(0, 11))).toBe('cut');
});
