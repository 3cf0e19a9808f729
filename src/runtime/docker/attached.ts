/** A container's stdin and stdout as one stream, out of the connection that the engine gives to who attaches. */
import { Duplex } from 'node:stream';

const HEADER = 8;
const STDOUT = 1;
/** Of what it prints on stderr, the last so many characters are kept. */
const KEPT = 4000;

/**
 * The engine sends frames: one byte that names the stream, three zeros, the length as four bytes (big-endian), and the bytes.
 * Who does not read in time keeps the container waiting. Has what Node's HTTP expects of a connection.
 */
export class Attached extends Duplex {
  readonly #raw: Duplex;
  #header = Buffer.alloc(0);
  /** Of the frame that has begun. */
  #left = 0;
  #kind = 0;
  #stderr = '';

  constructor(raw: Duplex) {
    super();
    this.#raw = raw;
    raw.on('data', (data: Buffer) => this.#take(data));
    raw.on('end', () => this.push(null));
    raw.on('error', error => this.destroy(error));
    raw.on('close', () => this.destroy());
  }

  /** What the container printed for people. */
  get stderr(): string {
    return this.#stderr;
  }

  override _read(): void {
    this.#raw.resume();
  }

  override _write(data: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#raw.write(data, done);
  }

  override _final(done: () => void): void {
    this.#raw.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#raw.destroy();
    done(error);
  }

  setKeepAlive(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  #take(data: Buffer): void {
    while (data.length > 0) {
      if (this.#left === 0) {
        const more = data.subarray(0, HEADER - this.#header.length);
        this.#header = Buffer.concat([this.#header, more]);
        data = data.subarray(more.length);
        if (this.#header.length < HEADER) return;
        this.#kind = this.#header[0] ?? 0;
        this.#left = this.#header.readUInt32BE(4);
        this.#header = Buffer.alloc(0);
        continue;
      }
      const part = data.subarray(0, this.#left);
      data = data.subarray(part.length);
      this.#left -= part.length;
      if (this.#kind !== STDOUT) this.#stderr = (this.#stderr + part.toString('utf8')).slice(-KEPT);
      else if (!this.push(part)) this.#raw.pause();
    }
  }
}
