/** `ftc checkpoints verify`: reads checkpoints whole and compares them with their manifests. */
import type { CheckpointClient } from '../client/checkpoint-client.ts';
import type { CheckpointRow } from '../api/checkpoint-row.ts';
import { ExitCode, FtcError } from '../errors.ts';
import type { JobFlags } from '../job/sources.ts';
import { bytes } from '../shared/bytes.ts';
import { latestOf, parseStep, rowOf, withCheckpoints } from './checkpoint-source.ts';
import { createProgress } from './view/progress.ts';
import { verdictLine, verdictSummary } from './view/checkpoints.ts';
import { stdout } from './print.ts';

interface Options extends JobFlags {
  readonly json?: boolean;
}

/** 0 only where every one that was looked at is valid. */
export async function run(options: Options, step?: string): Promise<number> {
  const write = (line: string): void => {
    if (!options.json) stdout.lines(line);
  };
  const rows = await withCheckpoints(options, { write: false, files: false }, async client => {
    const wanted = await choose(client, step);
    return look(client, wanted, row => write(verdictLine(row)));
  });
  const valid = rows.every(row => row.state === 'valid');
  if (options.json) stdout.json({ valid, checkpoints: rows }, 2);
  write(verdictSummary(rows));
  return valid ? ExitCode.ok : ExitCode.damaged;
}

/** Null is all. */
async function choose(client: CheckpointClient, step: string | undefined): Promise<number | null> {
  const wanted = step === undefined || step === 'latest' ? null : parseStep(step);
  const rows = await client.list();
  if (wanted !== null) return rowOf(rows, wanted).step;
  if (step === 'latest') return latestOf(rows).step;
  if (rows.some(row => row.state !== 'aside')) return null;
  throw new FtcError('FTC_NO_CHECKPOINT', 'there are no checkpoints to verify');
}

async function look(
  client: CheckpointClient,
  step: number | null,
  checked: (row: CheckpointRow) => void,
): Promise<CheckpointRow[]> {
  const progress = createProgress();
  const rows: CheckpointRow[] = [];
  try {
    for await (const line of client.verify(step)) {
      if (line.type === 'read')
        progress.show(`step ${line.step}: ${bytes(line.bytes)} of ${bytes(line.total)} read`);
      if (line.type !== 'checked') continue;
      progress.clear();
      rows.push(line.row);
      checked(line.row);
    }
  } finally {
    progress.clear();
  }
  return rows;
}
