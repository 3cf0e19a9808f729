/** `ftc config`: the Compose project, as text. */
import { render } from '../../compose/render.ts';
import { loadJob } from '../job/load.ts';
import type { JobFlags } from '../job/sources.ts';
import { stdout } from './print.ts';

export function run(flags: JobFlags): Promise<undefined> {
  stdout.file(render(loadJob(flags)).yaml);
  return Promise.resolve(undefined);
}
