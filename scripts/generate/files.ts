/** Files that are made from the sources and committed; ../generate.mjs writes them, and a test keeps them current. */
import { ScenarioFile } from '../../chaos/scenarios/schema.ts';
import { Manifest } from '../../src/checkpoint/manifest.ts';
import { jsonSchema } from '../../src/job/json-schema.ts';
import { loadJob } from '../../src/job/load.ts';
import { JobFile } from '../../src/job/schema.ts';
import { render } from '../../compose/render.ts';
import { eventsPage } from './events.ts';

/** Text by path from the checkout's root. */
export function generated(root: string): Record<string, string> {
  return {
    'schema/ftc.schema.json': jsonSchema(JobFile),
    'schema/scenario.schema.json': jsonSchema(ScenarioFile),
    'schema/manifest.schema.json': jsonSchema(Manifest),
    'docs/events.md': eventsPage(),
    // The default job, in an environment that says nothing.
    'docker-compose.yml': render(loadJob({}, {}, root)).yaml,
    'examples/s3/docker-compose.yml': render(loadJob({ file: 'examples/s3/ftc.yaml' }, {}, root)).yaml,
  };
}
