/**
 * The one way of text out of `ftc`. Whatever a line holds comes out visible (src/shared/visible.ts), but for the colours that
 * `paint` gave it. A line that holds line ends is still one line.
 */
import { styleText } from 'node:util';
import { randomInt } from 'node:crypto';
import { visible, visibleJson } from '../shared/visible.ts';

type Style = Parameters<typeof styleText>[0];

/**
 * Colours of ours carry a number that no one outside of this process knows, as one more parameter of their escape code: what
 * others wrote cannot pass for it. It is taken out before anything is printed.
 */
const MARK = `;${randomInt(1e8, 1e9)}m`;
const OURS = new RegExp(`(\\u001b\\[[0-9;]+)${MARK}`);

/** Coloured on a terminal, plain in a pipe or under NO_COLOR. */
export function paint(style: Style, text: string, stream: NodeJS.WriteStream = process.stderr): string {
  const [before = '', after = ''] = styleText(style, '\0', { stream }).split('\0');
  return mark(before) + text + mark(after);
}

const mark = (codes: string): string => codes.replaceAll('m', MARK);

/** For text whose escape codes are all of ftc's making, and are colours. */
export const ours = (text: string): string => text.replaceAll(/\u001b\[[0-9;]+m/g, mark);

/** A line as it may be written to a terminal. */
export function shown(line: string): string {
  const parts = line.split(OURS);
  return parts.map((part, i) => (i % 2 === 1 ? `${part}m` : visible(part))).join('');
}

/** How wide it is, colours left out. */
export const width = (line: string): number =>
  line
    .split(OURS)
    .filter((_, i) => i % 2 === 0)
    .join('').length;

/** Writes lines; false where the stream has enough for now. */
export function printLines(stream: NodeJS.WritableStream, lines: readonly string[]): boolean {
  return stream.write(lines.map(line => `${shown(line)}\n`).join(''));
}

interface Printer {
  lines(...lines: readonly string[]): void;
  /** What has line ends of its own, none of them from others; false as {@link printLines}. */
  text(text: string): boolean;
  json(value: unknown, indent?: number): void;
  /** A file's text, which is to be as it is, except where a person looks at it. */
  file(text: string): void;
}

function printer(stream: () => NodeJS.WriteStream): Printer {
  return {
    lines: (...lines) => void printLines(stream(), lines),
    text: text => stream().write(text.split('\n').map(shown).join('\n')),
    file: text => void stream().write(stream().isTTY ? text.split('\n').map(visible).join('\n') : text),
    json: (value, indent) => void stream().write(`${visibleJson(value, indent)}\n`),
  };
}

export const stdout = printer(() => process.stdout);
export const stderr = printer(() => process.stderr);
