import fc from 'fast-check';

/** Texts of which much is what terminals obey: C0, C1, bidi, separators, halves of pairs, and escape codes whole. */
export const nasty = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 4 }),
      fc.integer({ min: 0, max: 0x9f }).map(code => String.fromCharCode(code)),
      fc.constantFrom(
        '\u202e',
        '\u2066',
        '\u200f',
        '\u061c',
        '\u2028',
        '\u2029',
        '\ufeff',
        '\u{e0041}',
        '\ud800',
      ),
      fc.constantFrom(
        '\u001b[2J',
        '\u001b]0;T\u0007',
        '\u001b_x\u001b\\',
        '\r\n',
        'ftc: ',
        '\u001b[7m',
        '\u001b[7;123456789m',
      ),
    ),
    { maxLength: 8 },
  )
  .map(parts => parts.join(''));
