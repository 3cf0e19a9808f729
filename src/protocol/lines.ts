/** Splits a byte stream into lines. A line that grows past the limit is reported once; then the stream is of no use. */
export class LineTooLongError extends Error {
  override readonly name = 'LineTooLongError';
}

export class LineSplitter {
  #rest: Buffer[] = [];
  #length = 0;
  readonly #maxBytes: number;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Complete lines in `chunk`, decoded as UTF-8, without their newline. Throws {@link LineTooLongError}. */
  push(chunk: Buffer): string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      this.#take(chunk.subarray(start, end));
      lines.push(Buffer.concat(this.#rest).toString('utf8'));
      this.#rest = [];
      this.#length = 0;
      start = end + 1;
    }
    if (start < chunk.length) this.#take(chunk.subarray(start));
    return lines;
  }

  #take(part: Buffer): void {
    this.#length += part.length;
    if (this.#length > this.#maxBytes)
      throw new LineTooLongError(`a line is longer than ${this.#maxBytes} bytes`);
    this.#rest.push(part);
  }
}
