import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPlainName } from '../../../src/disk/name.ts';
import { currentUser, distrust, type User } from '../../../src/disk/trust.ts';

const me: User = { uid: 1000, sudo: null };
const root: User = { uid: 0, sudo: null };
const sudo: User = { uid: 0, sudo: { uid: 1000, gid: 1000 } };
const why = (user: User | null, uid: number, mode: number, options = {}) =>
  distrust({ uid, gid: uid, mode }, user, '/p', options)?.why ?? null;

describe('a folder or file', () => {
  it('is used where it is the own user’s, and nobody else can write to it', () => {
    expect(why(me, 1000, 0o40755)).toBeNull();
    expect(why(root, 0, 0o40700)).toBeNull();
    expect(why(me, 1001, 0o40700)).toBe('belongs to user 1001, and this is user 1000');
    expect(why(root, 65534, 0o40700)).toBe('belongs to user 65534, and this is root');
    expect(why(me, 1000, 0o40775)).toBe('can be written by the group 1000 (mode 775)');
    expect(why(me, 1000, 0o41777)).toBe('can be written by every user (mode 1777)');
  });

  it('of root is used by root only, and with sudo that of whoever calls it, too', () => {
    expect(why(me, 0, 0o40755)).toBe('belongs to root');
    expect(why(sudo, 1000, 0o40755)).toBeNull();
    expect(why(sudo, 0, 0o40755)).toBeNull();
    expect(why(sudo, 1001, 0o40755)).toContain('belongs to user 1001');
    expect(why(sudo, 1000, 0o40777)).toContain('every user');
  });

  it('that a person wrote may be writable by a group that is its owner’s alone', () => {
    const options = { privateGroup: true };
    expect(why(me, 1000, 0o100664, options)).toBeNull();
    expect(why(me, 1000, 0o100666, options)).toContain('every user');
    expect(why(root, 0, 0o100664, options)).toContain('the group 0');
    expect(distrust({ uid: 1000, gid: 100, mode: 0o100664 }, me, '/p', options)?.why).toContain('group 100');
  });

  it('is never used where a user other than the own one, its sudo and nobody could have written it', () => {
    const user = fc.constantFrom(me, root, sudo);
    fc.assert(
      fc.property(
        user,
        fc.nat({ max: 2000 }),
        fc.nat({ max: 2000 }),
        fc.nat({ max: 0o7777 }),
        (u, uid, gid, mode) => {
          const found = distrust({ uid, gid, mode }, u, '/p');
          const own = uid === u.uid || uid === u.sudo?.uid;
          expect(found === null).toBe(own && (mode & 0o022) === 0);
          if (found) expect(found.advice).toContain('/p');
        },
      ),
    );
  });

  it('is not looked at where the system knows no users', () => expect(why(null, 7, 0o777)).toBeNull());

  it('names itself to a shell whatever is in its name', () => {
    expect(distrust({ uid: 1, gid: 1, mode: 0 }, me, "/it's $HOME")?.advice).toContain("'/it'\\''s $HOME'");
  });
});

it('who runs the command is root’s sudo only as root, and by numbers', () => {
  const uid = process.geteuid?.();
  const user = currentUser({ SUDO_UID: '1000', SUDO_GID: '100' });
  expect(user?.sudo ?? null).toEqual(uid === 0 ? { uid: 1000, gid: 100 } : null);
  expect(currentUser({ SUDO_UID: '1000; rm', SUDO_GID: '1' })?.sudo ?? null).toBeNull();
  expect(currentUser({})?.sudo ?? null).toBeNull();
});

it('a name is no path', () => {
  for (const name of ['a', 'job.yaml', '.gitignore', '..a', 'ü x', '$HOME'])
    expect(isPlainName(name)).toBe(true);
  for (const name of ['', '.', '..', '/', 'a/b', '../a', 'a\0', 'a\nb', '\u001b', 'a\\b', 'x'.repeat(256)])
    expect(isPlainName(name)).toBe(false);
});
