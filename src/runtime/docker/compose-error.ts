/** What Compose printed before it failed, as an error that says what to do. Pure. */
import { FtcError } from '../../errors.ts';

interface Rule {
  readonly pattern: RegExp;
  error(line: string, cause: unknown): FtcError;
}

const rules: readonly Rule[] = [
  {
    pattern:
      /port is already allocated|address already in use|failed to bind host port|ports are not available/i,
    error: (line, cause) => {
      const port = /(?:\d+\.\d+\.\d+\.\d+|\]|::):(\d+)/.exec(line)?.[1];
      return new FtcError('FTC_PORT_IN_USE', `port ${port ?? 'of the master'} is in use on this machine`, {
        hint: 'Take another with --port 7071 (or port: in the job file), or --port 0 for any free one.',
        cause,
      });
    },
  },
  {
    pattern: /permission denied.*(docker\.sock|daemon socket|connect)/i,
    error: (line, cause) =>
      new FtcError('FTC_ENGINE_PERMISSION', `no permission to use the engine: ${line}`, {
        hint: 'Join the group "docker" (sudo usermod -aG docker $USER, then log in again), or use rootless Docker.',
        cause,
      }),
  },
  {
    pattern:
      /cannot connect to the docker daemon|error during connect|connection refused|connection reset by peer|unexpected EOF|: EOF$|broken pipe|rpc error: code = (Unavailable|Canceled)/i,
    error: (line, cause) =>
      new FtcError('FTC_ENGINE_GONE', `the container engine went away: ${line}`, {
        hint: 'Start it again, then repeat the command: the job resumes from its latest checkpoint.',
        cause,
      }),
  },
  {
    pattern:
      /failed to resolve source metadata|failed to do request|pull access denied|manifest (for .* not found|unknown)|repository does not exist|dial tcp: lookup|registry.*(no such host|timeout|deadline)|Get "https:\/\/[^"]*\/v2\/.*"/i,
    error: (line, cause) =>
      new FtcError('FTC_NO_BASE_IMAGE', `an image that ftc builds on cannot be had: ${line}`, {
        hint: 'Is a registry within reach? Otherwise name a Debian 13 image that the engine has: FTC_BASE_IMAGE=<image>, or --base <image>.',
        cause,
      }),
  },
  {
    pattern: /non-overlapping IPv4 address pool|all predefined address pools have been fully subnetted/i,
    error: (line, cause) =>
      new FtcError('FTC_NOT_OURS', `the engine has no subnet left for the job's network: ${line}`, {
        hint: '"docker network ls" lists the networks, and "docker network prune" removes those that nobody uses.',
        cause,
      }),
  },
  {
    pattern: /container name "[^"]*" is already in use|network \S+ was found but has incorrect label/i,
    error: (line, cause) =>
      new FtcError('FTC_NOT_OURS', `a name that the job needs is taken by what is not ftc's: ${line}`, {
        hint: 'Remove it if it is not needed (docker rm, docker network rm), or give the job another name with --name.',
        cause,
      }),
  },
  {
    pattern: /volumes\/[^/]+\/_data: read-only file system/i,
    error: (line, cause) => {
      const volume = /volumes\/([^/]+)\/_data: read-only/i.exec(line)?.[1] ?? '';
      return new FtcError(
        'FTC_VOLUME',
        `the volume ${volume} is mounted read-only, and checkpoints are written to it`,
        {
          hint: `"docker volume inspect ${volume}" shows how it was made. Make it again without that option, or name another job with --name.`,
          cause,
        },
      );
    },
  },
  {
    pattern: /no space left on device/i,
    error: (line, cause) =>
      new FtcError('FTC_COMPOSE_FAILED', `the engine's disk is full: ${line}`, {
        hint: 'Make room: "docker system df" shows what takes it.',
        cause,
      }),
  },
];

const noise = /^(#\d+ (CACHED|DONE|\d+\.\d+ (Get|Hit|Selecting|Preparing|Unpacking|Setting up)))|^\s*$/;
const telling = /error|fail|denied|cannot|unable|invalid|not found|no such|returned a non-zero code/i;
const progress =
  /\s(Creating|Created|Starting|Started|Running|Recreate|Recreated|Stopping|Stopped|Building|Built)\s*$/;

/**
 * @param doing `start the job`
 * @param output all that it printed, in order
 */
export function composeError(doing: string, output: readonly string[], cause: unknown): FtcError {
  const pip = pipError(output, cause);
  if (pip !== null) return pip;
  const lines = output.filter(line => !noise.test(line));
  // The last word is the reason; what stands before it may be its consequences' progress.
  for (const line of lines.toReversed()) {
    const rule = progress.test(line) ? undefined : rules.find(({ pattern }) => pattern.test(line));
    if (rule) return rule.error(line.trim(), cause);
  }
  const relevant = lines.filter(line => telling.test(line)).slice(-8);
  const shown = relevant.length > 0 ? relevant : lines.slice(-8);
  return new FtcError('FTC_COMPOSE_FAILED', [`Compose could not ${doing}`, ...shown].join('\n'), { cause });
}

/** What pip said where it could not install a job's requirements. Its own words may look like those of other rules. */
function pipError(output: readonly string[], cause: unknown): FtcError | null {
  const step = /^#(\d+) [\d.]+ ftc: pip failed$/;
  const number = output.map(line => step.exec(line)?.[1]).find(found => found !== undefined);
  if (number === undefined) return null;
  const of = new RegExp(`^#${number} [\\d.]+ (?!ftc: pip failed)(.*)$`);
  const said = output.flatMap(line => of.exec(line)?.[1] ?? []);
  return new FtcError(
    'FTC_COMPOSE_FAILED',
    ["pip could not install the job's requirements", ...said.slice(-20)].join('\n'),
    {
      hint: "pip reads the host's settings (pip.conf, PIP_*), certificates and proxies here. torch stays the one of the base image: see base.",
      cause,
    },
  );
}
