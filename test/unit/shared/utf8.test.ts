import { describe, expect, it } from 'vitest';
import { decodeUtf8 } from '../../../src/shared/utf8.ts';

const wide = (text: string, mark = true): Buffer => Buffer.from(`${mark ? '\uFEFF' : ''}${text}`, 'utf16le');

describe('a text file', () => {
  it('is UTF-8, with a byte order mark or without', () => {
    expect(decodeUtf8(Buffer.from('name: bär\r\n'))).toEqual({ text: 'name: bär\r\n', problem: null });
    expect(decodeUtf8(Buffer.from('\uFEFFname: 工\n'))).toEqual({ text: 'name: 工\n', problem: null });
    expect(decodeUtf8(Buffer.alloc(0))).toEqual({ text: '', problem: null });
  });

  it.each([
    ['UTF-16', wide('a: 1\n')],
    ['UTF-16', wide('a: 1\n').swap16()],
    ['UTF-16', wide('a: 1\n', false)],
    ['UTF-16', wide('a: 1\n', false).swap16()],
    ['UTF-32', Buffer.from([0xff, 0xfe, 0, 0, 0x61, 0, 0, 0])],
  ])('is not read as what it is not: %s', (encoding, bytes) => {
    expect(decodeUtf8(bytes).problem).toContain(`is written in ${encoding}`);
  });

  it('of another encoding is refused with the byte and its line', () => {
    expect(decodeUtf8(Buffer.from('a: 1\nb: ä\nc: bär\n', 'latin1')).problem).toBe(
      'is no UTF-8 text: the byte 0xe4 in line 2 begins no character',
    );
  });
});
