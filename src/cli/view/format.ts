/** Numbers, times and colours as people read them. */
import { styleText } from 'node:util';

export { bytes } from '../../shared/bytes.ts';

type Style = Parameters<typeof styleText>[0];

/** Coloured on a terminal, plain in a pipe or under NO_COLOR. */
export function paint(style: Style, text: string, stream: NodeJS.WriteStream = process.stderr): string {
  return styleText(style, text, { stream });
}

export function clock(at: number): string {
  return new Date(at).toTimeString().slice(0, 8);
}

/** A number in four digits or so: `0.3125`, `1.234e-7`, `12345`. */
export const short = (value: number): string =>
  Number.isInteger(value) && Math.abs(value) < 1e15 ? String(value) : String(Number(value.toPrecision(4)));

/** What a script may name as it likes, on one line and without escape codes. */
export const oneLine = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');

/** Columns padded to their widest cell; numbers to the right. Cells may not contain escape codes. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): string[] {
  const widths = head.map((h, i) => Math.max(h.length, ...rows.map(r => r[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((c, i) => (right.includes(i) ? c.padStart(widths[i] ?? 0) : c.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  return [line(head), ...rows.map(line)];
}
