/** Whether a checkpoint is being written, as the volume shows: a directory under a temporary name is there only meanwhile. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Replica } from '../src/runtime/replica.ts';
import type { FaultHands } from '../src/runtime/faults.ts';
import { endMarked, MARK } from './faults/inside.ts';

/** Prints 1 and 0, as it changes. */
const script = `was=
while :; do
  is=0
  for d in "$1"/.tmp-step-*; do [ -e "$d" ] && is=1; done
  [ "$is" = "$was" ] || echo "$is"
  was=$is
  sleep 0.01
done`;
/** It ends by itself, should nobody be left to end it; as long as somebody listens, another one takes its place. */
const SECONDS = '60';
const AGAIN_MS = 100;

export interface Writing {
  /** As it is now, as far as is known. */
  readonly now: () => boolean;
  /** Nothing of it is left; some time after the signal. */
  readonly ended: Promise<void>;
}

/** Looks through the eyes of the master, which has the volume. @param find the one that runs; null for none */
export function watchWriting(
  faults: Pick<FaultHands, 'exec' | 'listen'>,
  find: () => Promise<Replica | null>,
  signal: AbortSignal,
): Writing {
  const id = `watch-${randomBytes(4).toString('hex')}`;
  let writing = false;
  const isOver = (): boolean => signal.aborted;
  const run = async (): Promise<void> => {
    while (!isOver()) {
      const master = await find().catch(() => null);
      if (master) {
        try {
          const command = ['timeout', SECONDS, 'sh', '-c', script, 'sh', `/checkpoints/${master.job}`];
          const options = { env: { [MARK]: id } };
          for await (const line of faults.listen(master.id, command, signal, options))
            writing = line.trim() === '1';
        } catch {
          // The master is down: then nobody sees what is written.
        }
        writing = false;
        if (isOver()) await endMarked(faults, master.id, id).catch(() => undefined);
      }
      await sleep(AGAIN_MS, undefined, { signal }).catch(() => undefined);
    }
  };
  return { now: () => writing, ended: run() };
}
