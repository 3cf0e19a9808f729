import { describe, expect, it } from 'vitest';
import { composeError } from '../../../src/docker/compose-error.ts';

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
});
