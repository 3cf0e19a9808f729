/** Numbers, times and colours as people read them. */
import { width } from '../print.ts';

export { bytes } from '../../shared/bytes.ts';
export { paint } from '../print.ts';

export function clock(at: number): string {
  return new Date(at).toTimeString().slice(0, 8);
}

/** A number in four digits or so: `0.3125`, `1.234e-7`, `12345`. */
export const short = (value: number): string =>
  Number.isInteger(value) && Math.abs(value) < 1e15 ? String(value) : String(Number(value.toPrecision(4)));

/** Columns padded to their widest cell; numbers to the right. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): string[] {
  const widths = head.map((h, i) => Math.max(h.length, ...rows.map(r => width(r[i] ?? ''))));
  const line = (cells: readonly string[]): string =>
    cells
      .map((c, i) => {
        const space = ' '.repeat(Math.max(0, (widths[i] ?? 0) - width(c)));
        return right.includes(i) ? space + c : c + space;
      })
      .join('  ')
      .trimEnd();
  return [line(head), ...rows.map(line)];
}
