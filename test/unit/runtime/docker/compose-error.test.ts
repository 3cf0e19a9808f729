import { describe, expect, it } from 'vitest';
import { composeError } from '../../../../src/runtime/docker/compose-error.ts';

const failure = (...lines: string[]) => composeError('start the job', lines, null);

describe('what Compose says before it fails', () => {
  it.each([
    [
      'Error response from daemon: driver failed programming external connectivity on endpoint x: Bind for 127.0.0.1:7070 failed: port is already allocated',
      'FTC_PORT_IN_USE',
    ],
    [
      'Error response from daemon: failed to set up container networking: driver failed: failed to bind host port 127.0.0.1:7070/tcp: address already in use',
      'FTC_PORT_IN_USE',
    ],
    [
      'Error response from daemon: Ports are not available: exposing port TCP 127.0.0.1:7070 -> 0.0.0.0:0: listen tcp 127.0.0.1:7070: bind',
      'FTC_PORT_IN_USE',
    ],
    [
      'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?',
      'FTC_ENGINE_GONE',
    ],
    [
      'Error response from daemon: failed to chmod on /var/lib/docker/volumes/a-job_checkpoints/_data: chmod /var/lib/docker/volumes/a-job_checkpoints/_data: read-only file system',
      'FTC_VOLUME',
    ],
    ['error during connect: Get "http://%2Fvar%2Frun%2Fdocker.sock/v1.41/info": EOF', 'FTC_ENGINE_GONE'],
    ['unexpected EOF', 'FTC_ENGINE_GONE'],
    [
      'failed to create network exp_default: Error response from daemon: could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network',
      'FTC_NOT_OURS',
    ],
    ['Error response from daemon: all predefined address pools have been fully subnetted', 'FTC_NOT_OURS'],
    [
      'Error response from daemon: Conflict. The container name "/exp-worker-1" is already in use by container "1f". You have to remove (or rename) that container to be able to reuse that name.',
      'FTC_NOT_OURS',
    ],
    [
      'network exp_default was found but has incorrect label com.docker.compose.network set to ""',
      'FTC_NOT_OURS',
    ],
    [
      'permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock',
      'FTC_ENGINE_PERMISSION',
    ],
    [
      'failed to solve: debian:trixie-slim: failed to resolve source metadata for docker.io/library/debian:trixie-slim: dial tcp',
      'FTC_NO_BASE_IMAGE',
    ],
    [
      'pull access denied for nope, repository does not exist or may require docker login',
      'FTC_NO_BASE_IMAGE',
    ],
    [
      'Error response from daemon: Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host',
      'FTC_NO_BASE_IMAGE',
    ],
    ['write /var/lib/docker/tmp/x: no space left on device', 'FTC_COMPOSE_FAILED'],
    [
      'service "worker" has neither an image nor a build context specified: invalid compose project',
      'FTC_COMPOSE_FAILED',
    ],
  ])('%s', (line, code) => {
    expect(failure(' Container p-master-1  Starting', line)).toMatchObject({ code });
  });

  it('names the port', () => {
    const line = 'Bind for 127.0.0.1:7171 failed: port is already allocated';
    expect(failure(line).message).toBe('port 7171 is in use on this machine');
  });

  it('is shown by the lines that tell something', () => {
    const noise = Array.from({ length: 50 }, (_, n) => `#7 ${n}.1 Get:${n} http://deb.debian.org/debian x`);
    const error = failure(...noise, 'E: Unable to locate package python3-torch', '#8 DONE 0.1s', '');
    expect(error.message).toBe('Compose could not start the job\nE: Unable to locate package python3-torch');
  });

  it('is shown by its end where no line tells', () => {
    expect(failure('one', 'two').message).toBe('Compose could not start the job\none\ntwo');
  });

  it("is pip's own words where it could not install requirements, whatever they look like", () => {
    const error = failure(
      '#14 2.0 Setting up python3-pip',
      '#15 1.2 WARNING: Retrying after connection broken by Connection refused: /simple/x/',
      '#16 1.0 of another step',
      '#15 4.4 ERROR: No matching distribution found for x==9',
      '#15 4.5 ftc: pip failed',
      '#15 ERROR: executor failed running [/bin/sh -c python3 -m pip]: exit code: 1',
      'failed to solve: dial tcp: lookup x: connection refused',
    );
    expect(error).toMatchObject({
      code: 'FTC_COMPOSE_FAILED',
      hint: expect.stringContaining('torch') as string,
    });
    expect(error.message.split('\n')).toEqual([
      "pip could not install the job's requirements",
      'WARNING: Retrying after connection broken by Connection refused: /simple/x/',
      'ERROR: No matching distribution found for x==9',
    ]);
  });
});
