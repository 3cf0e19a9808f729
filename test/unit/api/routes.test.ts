import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { at, type Route, routes } from '../../../src/api/routes.ts';

/** As a row of the table in docs/protocol.md. */
function row(route: Route): string[] {
  const names = Object.keys(route.query.shape).map(name => `${name}=`);
  return [`\`${at(route)}${names.length === 0 ? '' : `?${names.join('&')}`}\``, route.what];
}

it('are the table of the docs', () => {
  const page = readFileSync(new URL('../../../docs/protocol.md', import.meta.url), 'utf8');
  const rows = page.split('\n').filter(line => /^\| `(GET|POST) /.test(line));
  const cells = rows.map(line =>
    line
      .split('|')
      .slice(1, -1)
      .map(cell => cell.trim()),
  );
  expect(cells).toEqual(Object.values(routes).map(row));
});

it('name no place twice', () => {
  const places = Object.values(routes).map(at);
  expect(new Set(places).size).toBe(places.length);
});
