/**
 * Text that others chose (a script, a server, a file, a name) made safe to print: what moves a cursor, changes a colour, turns
 * the direction of text or ends a line is shown as an escape instead, `\x1b` or `\u202e`.
 */

/** Control characters, C0 and C1; formatting ones that cannot be seen, bidi among them; line and paragraph separators; halves of surrogate pairs. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

const named: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** One line, whatever `text` is. */
export function visible(text: string): string {
  return text.replace(HIDDEN, escaped);
}

/** The lines of a text that may have several, such as a traceback; a tab is as wide as it is at the beginning of a line. */
export function visibleLines(text: string): string[] {
  return text.split(/\r?\n/).map(line => visible(line.replaceAll('\t', '        ')));
}

/** JSON that says the same, and holds no hidden character but the line ends of its indentation. */
export function visibleJson(value: unknown, indent?: number): string {
  return harmless(JSON.stringify(value, null, indent));
}

/** The same for JSON that is text already: what is no ASCII control character may stand in it as it is. */
export function harmless(json: string): string {
  return json.replace(HIDDEN, c => (c === '\n' ? c : escaped(c)));
}

/** As JSON writes it, but for the control characters that JSON has escaped before. */
function escaped(character: string): string {
  const short = named[character];
  if (short !== undefined) return short;
  if (character < ' ') return `\\x${hex(character.charCodeAt(0), 2)}`;
  return Array.from({ length: character.length }, (_, i) => `\\u${hex(character.charCodeAt(i), 4)}`).join('');
}

const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, '0');
