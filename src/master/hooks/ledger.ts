/**
 * What the master remembers of its hooks over a restart: what was noticed, and what is not delivered yet. It is one small file beside
 * the journal. It holds no URL.
 */
import { closeSync, constants, fsyncSync, mkdirSync, writeSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { openPlainSync, readPlainSync } from '../../shared/plain-file.ts';
import { sync } from '../../shared/sync.ts';
import { nothingSeen, type Seen } from '../../api/happenings.ts';
import { Payload } from '../../api/hook-payload.ts';

const FILE = 'hooks.json';
const MAX_BYTES = 4 << 20;
const { O_WRONLY, O_CREAT, O_TRUNC } = constants;

const Ledger = z.object({
  run: z.string(),
  seen: z.object({ recoveredAt: z.number().nullable(), ended: z.boolean() }),
  unsent: z.array(z.object({ payload: Payload, to: z.int().nonnegative() })).max(256),
});

/** What is in the file. */
export interface Ledger {
  /** The run that `seen` is about. */
  readonly run: string;
  readonly seen: Seen;
  readonly unsent: readonly { readonly payload: Payload; readonly to: number }[];
}

/** As the last master left it. Of another run only what was not sent counts. */
export function readLedger(folder: string, run: string): Ledger {
  const nothing = { run, seen: nothingSeen, unsent: [] };
  try {
    const read = Ledger.parse(JSON.parse(readPlainSync(join(folder, FILE), MAX_BYTES).toString('utf8')));
    return read.run === run ? read : { ...nothing, unsent: read.unsent };
  } catch {
    // None yet, or one that cannot be read: what happened in this run is told again, under the same id.
    return nothing;
  }
}

/** Durable when it resolves. @throws as the file system does */
export async function writeLedger(folder: string, ledger: Ledger): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const aside = join(folder, `.${FILE}`);
  const fd = openPlainSync(aside, O_WRONLY | O_CREAT | O_TRUNC, 0o600);
  try {
    const data = Buffer.from(JSON.stringify(ledger));
    for (let at = 0; at < data.length;) at += writeSync(fd, data, at);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  await rename(aside, join(folder, FILE));
  await sync(folder);
}
