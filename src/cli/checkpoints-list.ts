/** `ftc checkpoints`: what is in the volume, newest first. */
import type { JobFlags } from '../job/sources.ts';
import { withCheckpoints } from './checkpoint-source.ts';
import { checkpointTable } from './view/checkpoints.ts';
import { stdout } from './print.ts';

export async function run(options: JobFlags & { json?: boolean }): Promise<undefined> {
  const rows = await withCheckpoints(options, { write: false, files: false }, client => client.list());
  const lines = rows.length === 0 ? ['no checkpoints yet'] : checkpointTable(rows, Date.now());
  if (options.json) stdout.json(rows, 2);
  else stdout.lines(...lines);
}
