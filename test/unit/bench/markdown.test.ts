import { describe, expect, it } from 'vitest';
import { digits, duration, replaceSection, table } from '../../../bench/markdown.ts';

const page = `# Benchmarks

Text of a person.

<!-- bench:one -->

old

<!-- /bench:one -->

More text.

<!-- bench:two -->

second

<!-- /bench:two -->
`;

describe('replaceSection', () => {
  it('changes what stands between the markers, and nothing else', () => {
    expect(replaceSection(page, 'one', 'new\n')).toBe(page.replace('old', 'new'));
  });
  it('is the same when done twice', () => {
    const once = replaceSection(page, 'two', 'new');
    expect(replaceSection(once, 'two', 'new')).toBe(once);
  });
  it('adds a section that is not there at the end', () => {
    const longer = replaceSection(page, 'three', 'third');
    expect(longer).toBe(`${page}\n<!-- bench:three -->\n\nthird\n\n<!-- /bench:three -->\n`);
  });
  it('takes a body with $ as it is', () => {
    expect(replaceSection(page, 'one', "costs $& and $'")).toContain("costs $& and $'");
  });
  it('refuses a page with one marker of two', () => {
    expect(() => replaceSection(page.replace('<!-- /bench:one -->', ''), 'one', 'new')).toThrow(RangeError);
    expect(() => replaceSection(page.replace('<!-- bench:one -->', ''), 'one', 'new')).toThrow(RangeError);
  });
});

describe('table', () => {
  it('keeps a bar in a cell in its cell', () => {
    expect(table(['a', 'b'], [['1|2', '3']])).toBe('| a | b |\n| --- | --- |\n| 1\\|2 | 3 |');
  });
});

describe('numbers', () => {
  it('have three digits', () => {
    expect([0.5, 12.34, 199.6, 12345].map(digits)).toEqual(['0.5', '12.3', '200', '12345']);
  });
  it('become seconds from a thousand milliseconds on', () => {
    expect([13.52, 999, 1260, -4].map(duration)).toEqual(['13.5 ms', '999 ms', '1.26 s', '-4 ms']);
  });
  it('that are none are a dash', () => {
    expect(duration(NaN)).toBe('–');
  });
});
