/** Whom to trust for a store's certificate: the authorities in a file, and no others, as AWS_CA_BUNDLE means it. */
import { readFileSync } from 'node:fs';

/** The file cannot be read. The message says which and why. */
export class NoBundle extends Error {
  override readonly name = 'NoBundle';
}

/** Read at each connection to a store that failed before: a new file takes effect without a restart. @throws NoBundle */
export function authorities(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    throw new NoBundle(
      `no certificates: ${path} (checkpoint.s3.caBundle) cannot be read by user ${process.getuid?.() ?? '?'} (${code})`,
    );
  }
}
