import { describe, expect, it } from 'vitest';
import { withoutMask } from '../../../../src/runtime/docker/masks.ts';

const job = { Type: 'bind', Source: '/home/me', Target: '/job', ReadOnly: true };
const env = { Type: 'bind', Source: '/dev/null', Target: '/job/.env', ReadOnly: true };
const notes = { Type: 'tmpfs', Target: '/job/.ftc', TmpfsOptions: { SizeBytes: 4096 } };
const blueprint = (...Mounts: object[]) => ({
  name: 'x-worker-1',
  body: { Image: 'i', HostConfig: { CpuShares: 7, Mounts } },
});
const said = (source: string, at: string, what = 'read-only file system') =>
  `OCI runtime create failed: error mounting "${source}" to rootfs at "${at}": open /var/lib/x/merged${at}: ${what}: unknown`;

describe('a container that cannot start for a file that is gone', () => {
  it.each([
    ['/dev/null', '/job/.env', env],
    ['tmpfs', '/job/.ftc', notes],
  ])('is made without what hid it: %s on %s', (source, at, mask) => {
    const found = withoutMask(blueprint(job, env, notes), said(source, at));
    expect(found?.without).toBe(at);
    expect(found?.blueprint).toEqual(blueprint(...[job, env, notes].filter(one => one !== mask)));
  });

  it('also by the words of an older engine', () => {
    const words = 'mounting "/dev/null" to rootfs at "/job/.env" caused: open /x/.env: read-only file system';
    expect(withoutMask(blueprint(job, env), words)?.without).toBe('/job/.env');
  });

  it.each([
    ['what the job needs', [job, env], said('/home/me', '/job', 'no such file or directory')],
    [
      'a mount that covers nothing of the host',
      [{ ...env, Target: '/x/.env' }],
      said('/dev/null', '/x/.env'),
    ],
    [
      'a file that was mounted to be read',
      [job, { ...env, Source: '/home/key' }],
      said('/home/key', '/job/.env'),
    ],
    ['another reason', [job, env], said('/dev/null', '/job/.env', 'permission denied')],
    ['no mount at all', [job, env], 'driver failed programming external connectivity'],
  ])('keeps %s', (_, mounts, why) => {
    expect(withoutMask(blueprint(...mounts), why)).toBeNull();
  });

  it('is made without the URLs of hooks that somebody removed, and with any other secret', () => {
    const hooks = { Type: 'bind', Source: '/home/me/.ftc/hooks/x.json', Target: '/run/secrets/hooks' };
    const keys = { Type: 'bind', Source: '/home/me/keys', Target: '/run/secrets/checkpoint-s3' };
    const absent = (path: string) =>
      `invalid mount config for type "bind": bind source path does not exist: ${path}`;
    const found = withoutMask(blueprint(keys, hooks), absent(hooks.Source));
    expect(found).toEqual({ without: '/run/secrets/hooks', blueprint: blueprint(keys) });
    expect(withoutMask(blueprint(keys, hooks), absent(keys.Source))).toBeNull();
  });

  it('takes what it does not know for something else', () => {
    expect(withoutMask({ name: 'x', body: {} }, said('/dev/null', '/job/.env'))).toBeNull();
  });
});
