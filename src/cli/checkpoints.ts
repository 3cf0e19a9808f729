/** `ftc checkpoints`: what is in the volume, newest first. */
import { findJob } from '../client/find-job.ts';
import { connect } from '../docker/connect.ts';
import type { JobFlags } from '../job/sources.ts';
import { jobName } from './job-name.ts';
import { table } from './view/format.ts';
import { bytes } from '../shared/bytes.ts';
import { duration } from '../shared/duration.ts';

export async function run(options: JobFlags & { json?: boolean }): Promise<undefined> {
  const { master } = await findJob(await connect(), jobName(options));
  const rows = await master.checkpoints();
  if (options.json) {
    process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
    return;
  }
  if (rows.length === 0) {
    process.stdout.write('no checkpoints yet\n');
    return;
  }
  const lines = table(
    ['STEP', 'AGE', 'SIZE', 'GENERATION', 'STATE'],
    rows.map(r => [
      String(r.step),
      r.createdAt === null ? '-' : duration(Math.max(0, Date.now() - Date.parse(r.createdAt))),
      bytes(r.bytes),
      r.generation === null ? '-' : String(r.generation),
      r.latest ? `${r.state}, latest` : r.state,
    ]),
    [0, 1, 2, 3],
  );
  process.stdout.write(`${lines.join('\n')}\n`);
}
