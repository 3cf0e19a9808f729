/**
 * How an engine that runs without an init system was started, kept while it is down. Not in the job's journal: that lies in a folder
 * which may come from anyone, and this is run as root. Only root writes to /run.
 */
import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { z } from 'zod';
import { ownFolderAt } from '../../disk/own-folder.ts';

const EngineCommand = z.object({
  args: z.array(z.string()),
  /** The file that its output goes to; null where that is none. */
  log: z.string().nullable(),
});
export type EngineCommand = z.infer<typeof EngineCommand>;

const folder = ownFolderAt('/run/ftc');
const nameOf = (socket: string): string =>
  `engine-${createHash('sha256').update(socket).digest('hex').slice(0, 16)}.json`;

/** @throws as the system does where the process is gone */
export function keepCommand(socket: string, pid: number): void {
  const [, ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replace(/\0$/, '').split('\0');
  const output = readlinkSync(`/proc/${pid}/fd/2`);
  const isFile = statSync(output, { throwIfNoEntry: false })?.isFile() ?? false;
  folder.make();
  folder.write(nameOf(socket), JSON.stringify({ args, log: isFile ? output : null } satisfies EngineCommand));
}

/** Null where none is kept. @throws FtcError FTC_NOT_TRUSTED */
export function keptCommand(socket: string): EngineCommand | null {
  const text = folder.read(nameOf(socket));
  return text === null ? null : EngineCommand.parse(JSON.parse(text));
}

/** It runs again. */
export const dropCommand = (socket: string): void => folder.remove(nameOf(socket));
