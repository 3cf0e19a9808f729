/** What a Python file imports, as far as its text tells: parsed, so that a string or a comment is never taken for an import. Pure. */
import { createRequire } from 'node:module';
import type * as Lezer from '@lezer/python';

export interface Import {
  /** How many dots stand before the name; 0 is an absolute import. */
  readonly level: number;
  /** `a.b` is `['a', 'b']`; empty for `from . import x`. */
  readonly module: readonly string[];
  /** What `from … import` takes out of it: submodules may be among them. */
  readonly names: readonly string[];
}

// Loaded when the first script is looked at: most commands look at none.
const require = createRequire(import.meta.url);
type Node = ReturnType<(typeof Lezer)['parser']['parse']>['topNode'];

/** @param asMain the file runs as a script: `if __name__ == "__main__":` counts */
export function importsOf(source: string, asMain: boolean): Import[] {
  const { parser } = require('@lezer/python') as typeof Lezer;
  const text = source.replace(/^\uFEFF/, '');
  const found: Import[] = [];
  visit(parser.parse(text).topNode);
  return found;

  function visit(node: Node): void {
    if (node.name === 'ImportStatement') {
      found.push(...statement(node, textOf));
      return;
    }
    if (node.name === 'CallExpression') found.push(...call(node, textOf));
    const dead = node.name === 'IfStatement' ? neverRun(node) : null;
    for (let child = node.firstChild; child !== null; child = child.nextSibling)
      if (child.from !== dead?.from) visit(child);
  }

  function textOf(node: Node): string {
    return text.slice(node.from, node.to);
  }

  /** The body of an `if` whose condition never holds here. */
  function neverRun(node: Node): Node | null {
    const condition = node.firstChild?.nextSibling;
    if (!condition) return null;
    const words = textOf(condition).replace(/\s+/g, '');
    const never = /^(?:(?:\w+\.)?TYPE_CHECKING|False|0)$/.test(words);
    const main = /^(?:__name__==(["'])__main__\1|(["'])__main__\2==__name__)$/.test(words);
    return never || (main && !asMain) ? condition.nextSibling : null;
  }
}

type TextOf = (node: Node) => string;

/** `import a.b as c, d` is two; `from ..a import (b as c, d)` is one with two names. */
function statement(node: Node, textOf: TextOf): Import[] {
  const words: string[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling)
    if (child.name !== 'Comment') words.push(textOf(child));
  if (words[0] === 'import')
    return listed(words.slice(1)).map(name => ({ level: 0, module: name.split('.'), names: [] }));
  const split = words.indexOf('import');
  const from = words.slice(1, split).join('');
  const name = from.replace(/^\.+/, '');
  return [
    {
      level: from.length - name.length,
      module: name === '' ? [] : name.split('.'),
      names: split === -1 ? [] : listed(words.slice(split + 1)),
    },
  ];
}

/** Dotted names between commas, without brackets and what they are called here. */
function listed(words: readonly string[]): string[] {
  const names = words
    .filter(word => word !== '(' && word !== ')')
    .join(' ')
    .split(',');
  return names.map(name => (name.split(/ as /)[0] ?? '').replace(/ /g, '')).filter(name => name !== '');
}

/** `__import__("a.b")` and `importlib.import_module("a.b")`. */
function call(node: Node, textOf: TextOf): Import[] {
  const called = node.firstChild;
  if (called === null || !/^(?:__import__|(?:\w+\.)*import_module)$/.test(textOf(called))) return [];
  const first = node.getChild('ArgList')?.getChild('String');
  const name = first ? /^["']([\w.]+)["']$/.exec(textOf(first))?.[1] : undefined;
  return name === undefined || name.startsWith('.') ? [] : [{ level: 0, module: name.split('.'), names: [] }];
}
