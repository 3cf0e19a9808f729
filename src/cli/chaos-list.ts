/** `ftc chaos list`: each fault in a line. */
import { faults } from '../../chaos/faults/index.ts';
import { table } from './view/format.ts';

export function run(options: { json?: boolean }): Promise<undefined> {
  const rows = faults.map(({ name, summary, targets, impossible }) => ({
    name,
    summary,
    targets,
    impossible: impossible ?? null,
  }));
  const lines = table(
    ['FAULT', 'WHAT', 'OF'],
    rows.map(r => [
      r.name,
      r.impossible === null ? r.summary : `not here: ${r.impossible}`,
      r.targets.join(', '),
    ]),
  );
  process.stdout.write(options.json ? `${JSON.stringify(rows, null, 2)}\n` : `${lines.join('\n')}\n`);
  return Promise.resolve(undefined);
}
