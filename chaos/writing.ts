/** Whether a checkpoint is being written, as the volume shows: a directory under a temporary name is there only meanwhile. */
import type { Container } from '../src/docker/engine.ts';
import type { Lab } from '../src/docker/lab.ts';

/** Prints 1 and 0, as it changes. It ends by itself some time, should nobody listen any more. */
const script = `was=
while :; do
  is=0
  for d in "$1"/.tmp-step-*; do [ -e "$d" ] && is=1; done
  [ "$is" = "$was" ] || echo "$is"
  was=$is
  sleep 0.01
done`;
const MOST_SECONDS = '3600';

/** Looks through the eyes of `master`, which has the volume. @returns what says so now */
export function watchWriting(lab: Lab, master: Container, signal: AbortSignal): () => boolean {
  let writing = false;
  const folder = `/checkpoints/${master.job}`;
  const command = ['timeout', MOST_SECONDS, 'sh', '-c', script, 'sh', folder];
  void (async () => {
    try {
      for await (const line of lab.listen(master.id, command, signal)) writing = line.trim() === '1';
    } catch {
      // The master is down: then nobody sees what it writes.
    }
    writing = false;
  })();
  return () => writing;
}
