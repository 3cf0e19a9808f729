/**
 * Reads and writes files of one folder by their names, and never through a link. On Linux the folder is held open meanwhile:
 * whoever can rename the folders above it leads nobody elsewhere. Other systems have no such way; there its path is used.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { FtcError } from '../errors.ts';
import { isPlainName } from './name.ts';

const { O_APPEND, O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
const DESCRIPTORS = '/proc/self/fd';

/** What a folder's rules say of one of its entries. @throws FtcError for what must not be used */
export type Check = (entry: Stats, path: string) => void;

export interface FolderOptions {
  /** Of the folder, and of each file before its first byte is read or written. Nothing is checked without it. */
  readonly check?: Check;
  /** Modes of what is made. Default: for everybody to read, as the umask has it. */
  readonly modes?: { readonly folder: number; readonly file: number };
  /** The folder itself may be a link: whoever named it meant where it leads. */
  readonly follow?: boolean;
  /** Who gets what is made; null is whoever runs this. */
  readonly owner?: { readonly uid: number; readonly gid: number } | null;
}

export class Folder {
  readonly path: string;
  readonly #o: FolderOptions;

  constructor(path: string, options: FolderOptions = {}) {
    this.path = path;
    this.#o = options;
  }

  /** Whether it is there. @throws what `check` throws, FTC_NOT_TRUSTED for a link or something else */
  exists(): boolean {
    return this.#in(() => true) ?? false;
  }

  /** Makes it where it is not there. @returns whether it did */
  make(): boolean {
    let made = false;
    try {
      mkdirSync(this.path, { mode: this.#o.modes?.folder ?? 0o777 });
      made = true;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
    this.#in((_, fd) => {
      if (made && this.#o.owner) fchownSync(fd, this.#o.owner.uid, this.#o.owner.gid);
    });
    return made;
  }

  /** Null where there is no such file. */
  read(name: string): string | null {
    return this.#in(at => this.#readAt(at, name)) ?? null;
  }

  /** The name stands for the old text or for the new one, never for a part, and never for what a link leads to. Durable. */
  write(name: string, text: string): void {
    this.#inside(at => {
      const aside = `.${name.slice(0, 200)}.${randomBytes(6).toString('hex')}`;
      try {
        this.#createAt(at, aside, text);
        renameSync(at(aside), at(name));
      } catch (error) {
        rmSync(at(aside), { force: true });
        throw error;
      }
    });
  }

  /** Only where nothing has that name. @throws EEXIST */
  create(name: string, text: string): void {
    this.#inside(at => this.#createAt(at, name, text));
  }

  /** Open for appending; made where it is not there. Whoever asks closes it. */
  append(name: string): number {
    return this.#inside(at => {
      const flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK;
      let fd: number;
      try {
        fd = openSync(at(name), flags, this.#o.modes?.file ?? 0o666);
      } catch (error) {
        this.#explain(error, at(name), join(this.path, name));
        throw error;
      }
      try {
        this.#look(fd, name);
        if (this.#o.owner) fchownSync(fd, this.#o.owner.uid, this.#o.owner.gid);
        return fd;
      } catch (error) {
        closeSync(fd);
        throw error;
      }
    });
  }

  /** Milliseconds since the epoch; null where there is no such file. */
  changedAt(name: string): number | null {
    return this.#in(at => lstatSync(at(name), { throwIfNoEntry: false })?.mtimeMs ?? null) ?? null;
  }

  remove(name: string): void {
    this.#in(at => rmSync(at(name), { force: true }));
  }

  rename(from: string, to: string): void {
    this.#inside(at => renameSync(at(from), at(to)));
  }

  /** Gives a file a second name. @throws EEXIST */
  link(from: string, to: string): void {
    this.#inside(at => linkSync(at(from), at(to)));
  }

  #readAt(at: (name: string) => string, name: string): string | null {
    let fd: number;
    try {
      // A FIFO would keep us waiting for somebody who writes.
      fd = openSync(at(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return null;
      this.#explain(error, at(name), join(this.path, name));
      throw error;
    }
    try {
      this.#look(fd, name);
      return readFileSync(fd, 'utf8');
    } finally {
      closeSync(fd);
    }
  }

  #createAt(at: (name: string) => string, name: string, text: string): void {
    const fd = openSync(at(name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, this.#o.modes?.file ?? 0o666);
    try {
      if (this.#o.owner) fchownSync(fd, this.#o.owner.uid, this.#o.owner.gid);
      // The umask may have left less.
      if (this.#o.modes) fchmodSync(fd, this.#o.modes.file);
      writeFileSync(fd, text);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  }

  /** Why it could not be opened, where that is no failure of the disk. @throws FtcError FTC_NOT_TRUSTED */
  #explain(error: unknown, path: string, shown: string): void {
    const there = lookAt(path);
    if (codeOf(error) === 'ELOOP' || (there?.isSymbolicLink() && !this.#o.follow))
      throw notOurs(shown, isALink);
    // ENXIO: a FIFO, a socket.
    if (codeOf(error) === 'ENXIO' || codeOf(error) === 'EISDIR') throw notOurs(shown, isNoFile);
    if (there && codeOf(error) === 'ENOTDIR') throw notOurs(shown, isNoFolder);
    if (there && codeOf(error) === 'EACCES') this.#o.check?.(there, shown);
  }

  #look(fd: number, name: string): void {
    const path = join(this.path, name);
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw notOurs(path, isNoFile);
    this.#o.check?.(stats, path);
  }

  #inside<T>(work: (at: (name: string) => string, fd: number) => T): T {
    const done = this.#in((at, fd) => ({ value: work(at, fd) }));
    if (done !== null) return done.value;
    throw Object.assign(new Error(`there is no folder ${this.path}`), { code: 'ENOENT' });
  }

  /** Null where the folder is not there. `at` gives the path of a name in it, while `work` runs. */
  #in<T>(work: (at: (name: string) => string, fd: number) => T): T | null {
    const flags = O_RDONLY | O_DIRECTORY | (this.#o.follow ? 0 : O_NOFOLLOW);
    let fd: number;
    try {
      fd = openSync(this.path, flags);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return null;
      this.#explain(error, this.path, this.path);
      throw error;
    }
    try {
      this.#o.check?.(fstatSync(fd), this.path);
      const base = existsSync(DESCRIPTORS) ? `${DESCRIPTORS}/${fd}` : this.path;
      return work(name => join(base, plain(name)), fd);
    } finally {
      closeSync(fd);
    }
  }
}

const isALink = {
  why: 'is a link',
  advice: 'ftc follows none there: whoever made it may not be who owns what it leads to. Remove the link.',
};
const isNoFile = { why: 'is not a regular file', advice: 'Remove it: ftc makes what it needs.' };
const isNoFolder = { why: 'is not a folder', advice: 'Remove it: ftc makes what it needs.' };

export function notOurs(path: string, { why, advice }: { why: string; advice: string }): FtcError {
  return new FtcError('FTC_NOT_TRUSTED', `${path} ${why}: it is not used`, { hint: advice });
}

/** @throws FtcError FTC_USAGE for what would lead out of the folder */
function plain(name: string): string {
  if (isPlainName(name)) return name;
  throw new FtcError('FTC_USAGE', `${JSON.stringify(name)} is a path and must be a name`, {
    hint: "A job's name has letters, digits, - and _ only.",
  });
}

/** Undefined also where a folder above it does not let us look. */
function lookAt(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;
