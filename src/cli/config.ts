/** `ftc config`: the Compose project, as text. */
import { pick } from '../runtime/pick.ts';
import { loadJob } from '../job/load.ts';
import type { JobFlags } from '../job/sources.ts';
import { stdout } from './print.ts';

export async function run(flags: JobFlags): Promise<undefined> {
  const loaded = loadJob(flags);
  stdout.file((await pick()).render(loaded));
}
