import { visible } from '../../src/shared/visible.ts';

/** Text that is HTML. Whatever is put into a template is escaped, unless it is HTML itself. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }
}

type Value = Html | string | number | null | readonly Value[];

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** For text and for attributes in quotes. What cannot be seen is shown as an escape, but for line ends. */
export const escape = (text: string): string =>
  text
    .split('\n')
    .map(visible)
    .join('\n')
    .replaceAll(/[&<>"']/g, c => escapes[c] ?? c);

export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Html {
  return new Html(strings.reduce((text, part, i) => text + toText(values[i - 1] ?? '') + part));
}

function toText(value: Value): string {
  if (value === null) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'object') return value.map(toText).join('');
  return escape(String(value));
}
