import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findCompose } from './compose.mjs';
import { SetupProblem } from './report.mjs';
import { lastLines, run } from './run.mjs';

/** The image that holds the Python tests and their tools. */
export const workerTestImage = 'ftc-worker-test';

/**
 * Builds what the tests run in, by Compose like `ftc up`, so that both share one cache.
 * @param {{ report: import('./report.mjs').Report, root: string, baseImage: string }} context
 */
export async function ensureTestImages({ report, root, baseImage }) {
  const [program = 'docker', ...args] = (await findCompose()) ?? [];
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const env = { FTC_BASE_IMAGE: baseImage, FTC_VERSION: version, FTC_TEST_IMAGE: workerTestImage };
  await report.step(
    'build the images',
    'the tests run in them; what is unchanged is taken from the cache',
    async () => {
      const file = join(root, 'scripts/setup/test-images.yml');
      const result = await run(program, [...args, '--file', file, 'build'], { cwd: root, env });
      if (!result.ok) throw new SetupProblem(`An image cannot be built:\n${lastLines(result, 40)}`);
    },
  );
}
