/** `ftc checkpoints prune`: removes what retention lets go, now. */
import { FtcError } from '../errors.ts';
import type { JobFlags } from '../job/sources.ts';
import { withCheckpoints } from './checkpoint-source.ts';
import { pruneLines } from './view/checkpoints.ts';
import { stdout } from './print.ts';

interface Options extends JobFlags {
  readonly keep?: string;
  readonly keepEvery?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export async function run(options: Options): Promise<undefined> {
  const keep = count('--keep', options.keep);
  const keepEvery = count('--keep-every', options.keepEvery);
  const dryRun = options.dryRun === true;
  const pruned = await withCheckpoints(options, { write: !dryRun, files: false }, client =>
    client.prune({ keep, keepEvery, dryRun }),
  );
  if (options.json) stdout.json(pruned, 2);
  else stdout.lines(...pruneLines(pruned));
}

function count(flag: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (/^[1-9]\d{0,8}$/.test(value)) return Number(value);
  throw new FtcError('FTC_USAGE', `${flag} must be a whole number, 1 or more, not "${value}"`);
}
