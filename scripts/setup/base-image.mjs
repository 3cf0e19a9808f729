// What the images are built on. Also a command: prints the image's name on stdout. The installed package uses it too.
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { debianMirror, ensureDebianKeyring, install } from './packages.mjs';
import { createReport, SetupProblem } from './report.mjs';
import { lastLines, run } from './run.mjs';
import { mayInstall, probeSystem } from './system.mjs';

export const pulledImage = 'debian:trixie-slim';
export const ownImage = 'ftc-debian:trixie';

/** How long a registry may take to say that it has the image; how long the image may then take to arrive. */
const answerMs = 20_000;
const pullMs = 15 * 60_000;

/**
 * What to do for a base image.
 * @param {{ wanted: string | undefined, wantedPresent: boolean, pulledPresent: boolean, ownPresent: boolean }} seen
 *   `wanted` is what FTC_BASE_IMAGE says. The name of our own image there is an earlier result, not a wish.
 * @returns {{ use: string } | { pull: string, else: 'make' | 'fail' }}
 */
export function decideBaseImage({ wanted, wantedPresent, pulledPresent, ownPresent }) {
  if (wanted !== undefined && wanted !== '' && wanted !== ownImage && wanted !== pulledImage) {
    return wantedPresent ? { use: wanted } : { pull: wanted, else: 'fail' };
  }
  if (ownPresent && (wanted === ownImage || !pulledPresent)) return { use: ownImage };
  return pulledPresent ? { use: pulledImage } : { pull: pulledImage, else: 'make' };
}

/**
 * Ends with a base image in the engine, and says which.
 * @param {{
 *   wanted?: string | undefined,
 *   report?: import('./report.mjs').Report,
 *   system?: import('./system.mjs').System,
 *   env?: NodeJS.ProcessEnv,
 * }} [context] `wanted` defaults to the environment's FTC_BASE_IMAGE; `env` is for `docker`, which engine above all
 * @returns {Promise<string>} the image's name, for FTC_BASE_IMAGE
 * @throws {SetupProblem} where no way leads to one
 */
export async function ensureBaseImage({
  wanted = process.env.FTC_BASE_IMAGE,
  report = createReport(),
  system = probeSystem(),
  env = {},
} = {}) {
  /** @param {string} image */
  const isPresent = async image => (await run('docker', ['image', 'inspect', image], { env })).ok;
  const [wantedPresent, pulledPresent, ownPresent] = await Promise.all([
    wanted === undefined || wanted === '' ? false : isPresent(wanted),
    isPresent(pulledImage),
    isPresent(ownImage),
  ]);
  const decision = decideBaseImage({ wanted, wantedPresent, pulledPresent, ownPresent });
  if ('use' in decision) return decision.use;

  const image = decision.pull;
  const refusal = await report.step(
    `pull ${image}`,
    'the images are built on it',
    () => pull(image, env),
    reason => (reason === null ? 'done' : 'not to be had'),
  );
  if (refusal === null) return image;
  if (report.dryRun) return image;
  if (decision.else === 'fail') {
    throw new SetupProblem(
      `The base image ${image}, which FTC_BASE_IMAGE names, can neither be found nor pulled: ${refusal}`,
      `Pull or import it yourself, or unset FTC_BASE_IMAGE to build on ${pulledImage}.`,
    );
  }
  const tool = !(await run('mmdebstrap', ['--version'])).missing;
  if (!system.root || !(tool || mayInstall(system))) {
    throw new SetupProblem(
      `The base image ${image} cannot be pulled: ${refusal}`,
      `Connect to a registry once ("docker pull ${image}"), or name a Debian 13 image that you have in FTC_BASE_IMAGE.`,
    );
  }
  await report.step(
    `make ${ownImage} from Debian's archive`,
    'no image registry can be reached',
    async () => {
      if (!tool) await install(['mmdebstrap']);
      await make(env);
    },
  );
  return ownImage;
}

/**
 * @param {string} image
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<string | null>} why it could not be pulled; null when it is there
 */
async function pull(image, env) {
  const impatience = new AbortController();
  const timer = setTimeout(() => impatience.abort(), answerMs);
  const result = await run('docker', ['pull', image], {
    env,
    timeoutMs: pullMs,
    signal: impatience.signal,
    onOutput(text) {
      // Says that the registry knows the image. Before that, a network that swallows packets hangs for minutes.
      if (text.includes('Pulling from')) clearTimeout(timer);
    },
  });
  clearTimeout(timer);
  if (result.ok) return null;
  return impatience.signal.aborted ? `no registry answered in ${answerMs / 1000} s` : lastLines(result, 1);
}

/** @param {NodeJS.ProcessEnv} env */
async function make(env) {
  await ensureDebianKeyring();
  const file = join(tmpdir(), `ftc-debian-${process.pid}.tar`);
  try {
    for (const [command, ...args] of [
      ['mmdebstrap', '--quiet', '--variant=minbase', 'trixie', file, await debianMirror()],
      ['docker', 'import', '--change', 'CMD ["bash"]', file, ownImage],
    ]) {
      const result = await run(command ?? '', args, { env });
      if (!result.ok) {
        throw new SetupProblem(
          `${ownImage} cannot be made, ${command} failed:\n${lastLines(result)}`,
          'Name a Debian 13 image that you have in FTC_BASE_IMAGE.',
        );
      }
    }
  } finally {
    rmSync(file, { force: true });
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    console.log(await ensureBaseImage());
  } catch (error) {
    if (!(error instanceof SetupProblem)) throw error;
    console.error([error.message, error.hint].filter(Boolean).join('\n'));
    process.exitCode = 3;
  }
}
