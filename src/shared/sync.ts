/** Makes durable what was written: a file, or a directory whose entries changed. */
import { open } from 'node:fs/promises';

/** @throws as the file system does */
export async function sync(path: string): Promise<void> {
  const handle = await open(path);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
