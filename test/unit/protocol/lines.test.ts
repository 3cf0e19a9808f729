import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LineSplitter, LineTooLongError } from '../../../src/protocol/lines.ts';

it('gives the same lines however the stream is cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'grapheme' }).filter(s => !s.includes('\n'))),
      fc.nat(7),
      (lines, cut) => {
        const bytes = Buffer.from(lines.map(l => `${l}\n`).join(''));
        const splitter = new LineSplitter(1 << 16);
        const seen: string[] = [];
        for (let i = 0; i < bytes.length; i += cut + 1)
          seen.push(...splitter.push(bytes.subarray(i, i + cut + 1)));
        expect(seen).toEqual(lines);
      },
    ),
  );
});

it('refuses a line over the limit, complete or not', () => {
  expect(() => new LineSplitter(4).push(Buffer.from('12345\n'))).toThrow(LineTooLongError);
  expect(() => new LineSplitter(4).push(Buffer.from('12345'))).toThrow(LineTooLongError);
  expect(new LineSplitter(4).push(Buffer.from('1234\n'))).toEqual(['1234']);
});
