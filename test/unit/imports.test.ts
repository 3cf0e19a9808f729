import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import ts from 'typescript';
import { expect, it } from 'vitest';

const root = new URL('../..', import.meta.url).pathname;

/** Files of ours that `file` needs when it runs: an import of types alone is gone by then. */
function needs(file: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.Latest);
  return source.statements.flatMap(statement => {
    const named = ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement);
    const from = named ? statement.moduleSpecifier : undefined;
    if (from === undefined || !ts.isStringLiteral(from) || !from.text.startsWith('.')) return [];
    const types = ts.isImportDeclaration(statement)
      ? statement.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
      : ts.isExportDeclaration(statement) && statement.isTypeOnly;
    return types ? [] : [normalize(join(dirname(file), from.text))];
  });
}

/** The first circle of files that is found; null where there is none. */
function circle(graph: ReadonlyMap<string, readonly string[]>): readonly string[] | null {
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): readonly string[] | null => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return null;
    for (const next of graph.get(file) ?? []) {
      const found = visit(next, [...path, file]);
      if (found !== null) return found;
    }
    done.add(file);
    return null;
  };
  for (const file of graph.keys()) {
    const found = visit(file, []);
    if (found !== null) return found;
  }
  return null;
}

it('go in no circle', () => {
  const files = ['src', 'compose', 'chaos', 'bench'].flatMap(folder =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter(name => name.endsWith('.ts'))
      .map(name => join(folder, name)),
  );
  expect(files.length).toBeGreaterThan(300);
  expect(circle(new Map(files.map(file => [file, needs(file)])))).toBeNull();
  expect(circle(new Map(Object.entries({ a: ['b'], b: ['c', 'd'], c: [], d: ['a'] })))).toEqual([
    'a',
    'b',
    'd',
    'a',
  ]);
});
