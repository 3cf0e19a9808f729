/** Tables, and sections of a page that are replaced without touching the rest. Pure. */

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map(c => c.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

const begin = (name: string): string => `<!-- bench:${name} -->`;
const end = (name: string): string => `<!-- /bench:${name} -->`;

/**
 * `page` with what stands between the section's markers replaced; with a new section at its end where there is none.
 * @throws RangeError when only one of the markers is there, or they stand in the wrong order
 */
export function replaceSection(page: string, name: string, body: string): string {
  const section = `${begin(name)}\n\n${body.trim()}\n\n${end(name)}`;
  const from = page.indexOf(begin(name));
  const to = page.indexOf(end(name));
  if (from < 0 && to < 0) return `${page.trimEnd()}\n\n${section}\n`.trimStart();
  if (from < 0 || to < from) throw new RangeError(`the markers of the section "${name}" are broken`);
  return page.slice(0, from) + section + page.slice(to + end(name).length);
}

/** 0.42 s, 12 ms, 1.26 s: three digits are as much as such a measurement says. */
export function duration(ms: number): string {
  if (!Number.isFinite(ms)) return '–';
  return Math.abs(ms) < 1000 ? `${digits(ms)} ms` : `${digits(ms / 1000)} s`;
}

/** Three significant digits, without an exponent. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return '–';
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}
