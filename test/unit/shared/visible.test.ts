import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nasty } from './nasty.ts';
import { harmless, visible, visibleJson, visibleLines } from '../../../src/shared/visible.ts';

const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

describe('what others wrote', () => {
  it('is one line without a character that a terminal obeys', () => {
    fc.assert(
      fc.property(nasty, text => {
        for (const line of [visible(text), ...visibleLines(text)]) expect(line).not.toMatch(HIDDEN);
      }),
    );
  });

  it('shows what was there, and leaves plain text alone', () => {
    expect(visible('a\u001b[31m\u009b\r\n\t\u202e\u007f\u2028')).toBe(
      'a\\x1b[31m\\u009b\\r\\n\\t\\u202e\\u007f\\u2028',
    );
    expect(visible('\u{e0041}\ud800')).toBe('\\udb40\\udc41\\ud800');
    expect(visible('größer, 日本語, ✔ 👩, \\x1b')).toBe('größer, 日本語, ✔ 👩, \\x1b');
    expect(visibleLines('a\r\n\tb\rc')).toEqual(['a', '        b\\rc']);
  });

  it('is the same data as JSON, harmless too', () => {
    fc.assert(
      fc.property(
        fc.dictionary(nasty, fc.oneof(nasty, fc.double({ noNaN: true, noDefaultInfinity: true }))),
        value => {
          const json = visibleJson(value, 2);
          expect(json.replaceAll('\n', '')).not.toMatch(HIDDEN);
          expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(value)));
          expect(JSON.parse(harmless(JSON.stringify(value)))).toEqual(JSON.parse(JSON.stringify(value)));
        },
      ),
    );
  });
});
