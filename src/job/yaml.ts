/** Reads a YAML file's text, and remembers where everything stands in it. */
import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Document, Node, Pair, YAMLError, YAMLWarning } from 'yaml';

export interface Position {
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
}

export interface YamlText {
  /** Plain data; an empty file is an empty group. Null if the text is no YAML. */
  readonly values: unknown;
  readonly errors: readonly { readonly position: Position; readonly message: string }[];
  /** Where the value (or the key) at `path` stands; the nearest thing around it that stands in the text otherwise. */
  locate(path: readonly PropertyKey[], atKey: boolean): Position;
  has(path: readonly PropertyKey[]): boolean;
  /** The text of the plain value at `path`, as it stands there; null where there is none. */
  source(path: readonly PropertyKey[]): string | null;
}

/** @param what the file is, such as `a job file` */
export function readYaml(text: string, what = 'a job file'): YamlText {
  const lineCounter = new LineCounter();
  // Only what JSON has too: a set or bytes would pass for a group of keys that says nothing.
  const document = parseDocument(text, {
    lineCounter,
    prettyErrors: false,
    resolveKnownTags: false,
    logLevel: 'error',
  });
  const position = (offset: number): Position => {
    const { line, col } = lineCounter.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const tags = document.warnings.filter(({ code }) => code === 'TAG_RESOLVE_FAILED');
  const errors = [...document.errors, ...tags].map(error => ({
    position: position(error.pos[0]),
    message: explain(error, text, what),
  }));
  let values: unknown = null;
  try {
    if (errors.length === 0) values = document.toJS() ?? {};
  } catch (error) {
    // An alias without its anchor, or aliases that multiply without end.
    errors.push({ position: { line: 1, column: 1 }, message: (error as Error).message });
  }
  return {
    values,
    errors,
    locate: (path, atKey) => position(find(document, path, atKey).offset),
    has: path => find(document, path, false).whole,
    source: path => {
      const { node } = find(document, path, false);
      const scalar = isAlias(node) ? node.resolve(document) : node;
      return isScalar(scalar) ? (scalar.source ?? null) : null;
    },
  };
}

function explain(
  { code, message, pos: [start, end] }: YAMLError | YAMLWarning,
  text: string,
  what: string,
): string {
  if (code === 'DUPLICATE_KEY') {
    const key = /^[^\s:]+/.exec(text.slice(start))?.[0] ?? '';
    return `${key} is given twice in the same group`;
  }
  if (code === 'TAG_RESOLVE_FAILED')
    return `the tag ${text.slice(start, end)} means nothing in ${what}; write the plain value`;
  return `this is no YAML: ${message.charAt(0).toLowerCase()}${message.slice(1)}`;
}

function find(
  document: Document,
  path: readonly PropertyKey[],
  atKey: boolean,
): { offset: number; whole: boolean; node?: unknown } {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const [index, part] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    let child: unknown;
    let key: unknown;
    if (isMap(node)) {
      const pair: Pair | undefined = node.items.find(item => keyOf(item) === String(part));
      child = pair?.value ?? pair?.key;
      key = pair?.key;
    } else if (isSeq(node)) child = node.items[Number(part)];
    if (child === undefined || child === null) return { offset, whole: false };
    const wantsKey = atKey && index === path.length - 1;
    offset = startOf(wantsKey ? key : child) ?? offset;
    node = child;
  }
  return { offset, whole: true, node };
}

function keyOf({ key }: Pair): string {
  return isScalar(key) ? String(key.value) : String(key);
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? (node as Node).range?.[0] : undefined;
}
