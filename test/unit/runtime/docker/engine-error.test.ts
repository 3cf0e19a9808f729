import { describe, expect, it } from 'vitest';
import { engineError } from '../../../../src/runtime/docker/engine-error.ts';

const answered = (statusCode: number, message: string) =>
  Object.assign(new Error(`(HTTP code ${statusCode}) server error - ${message} `), {
    statusCode,
    json: { message },
  });
const cut = (code: string) => Object.assign(new Error(`connect ${code} /var/run/docker.sock`), { code });

describe('what went wrong with the engine', () => {
  it.each([
    [cut('ECONNREFUSED'), 'FTC_ENGINE_GONE'],
    [cut('ENOENT'), 'FTC_ENGINE_GONE'],
    [new Error('socket hang up'), 'FTC_ENGINE_GONE'],
    [cut('EACCES'), 'FTC_ENGINE_PERMISSION'],
    [answered(404, 'No such container: abc'), 'FTC_NO_TARGET'],
    [answered(409, 'Container abc is not running'), 'FTC_NOT_RUNNING'],
    [answered(500, 'Bind for 127.0.0.1:7070 failed: port is already allocated'), 'FTC_PORT_IN_USE'],
    [answered(500, 'OCI runtime create failed'), 'FTC_ENGINE_FAILED'],
  ])('%s is %s', (error, code) => {
    expect(engineError(error, 'start container abc')).toMatchObject({ code, cause: error });
  });

  it("is told in the engine's own words", () => {
    expect(engineError(answered(500, 'no space left'), 'start x').message).toBe(
      'cannot start x: no space left',
    );
  });

  it('is told once', () => {
    const error = engineError(cut('ENOENT'), 'list');
    expect(engineError(error, 'something else')).toBe(error);
  });
});
