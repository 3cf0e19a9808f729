/** What copying asks of an object store. */

export interface StoredObject {
  readonly key: string;
  readonly bytes: number;
  /** Another one means another content. */
  readonly etag: string;
}

export interface ObjectStore {
  /** `host:port`, for people. */
  readonly where: string;
  /** Every object whose key begins with `prefix`. */
  list(prefix: string): Promise<StoredObject[]>;
  /**
   * Stores what `pieces` yield, or nothing where they throw. Resolves when the server tells that it has it, by the SHA-256 beside it
   * or by its bytes. @throws NotStored where it does not within some seconds
   */
  put(key: string, pieces: AsyncIterable<Buffer>, bytes: number, sha256: string): Promise<void>;
  /** True where these very bytes are there: they are read. */
  holds(key: string, bytes: number, sha256: string): Promise<boolean>;
  /** The object's bytes as they come; null where there is none. */
  get(key: string): Promise<AsyncIterable<Uint8Array> | null>;
  remove(key: string): Promise<void>;
  /** Ends uploads of keys that begin with `prefix` and pass `test`, which somebody began and left. Their number. */
  abortUploads(prefix: string, test: (key: string) => boolean): Promise<number>;
  /** Ends what is under way. */
  close(): void;
}
