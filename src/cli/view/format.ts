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
