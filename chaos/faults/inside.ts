/** Processes inside a container, found and signalled through its own shell: nothing else is needed in there. */
import { FtcError } from '../../src/errors.ts';
import type { FaultHands } from '../../src/runtime/faults.ts';

/** Pid, parent and user of every process but the one that asks. */
const listing = `for d in /proc/[0-9]*; do
  pid=\${d#/proc/} ppid= uid=
  [ "$pid" = $$ ] && continue
  while read -r key value rest; do
    case $key in PPid:) ppid=$value ;; Uid:) uid=$value ;; esac
  done 2>/dev/null <"$d/status" && echo "$pid $ppid $uid"
done
:`;

export interface Inside {
  /** The program that the container is for. */
  readonly main: number;
  /** That, and all that it has started. */
  readonly all: readonly number[];
  readonly uid: number;
}

/** @throws FtcError FTC_CANNOT where the container has no init: its first process takes no signals from inside */
export async function lookInside(faults: Pick<FaultHands, 'exec'>, id: string): Promise<Inside> {
  const { output } = await faults.exec(id, ['sh', '-c', listing]);
  const found = processes(output);
  if (found) return found;
  throw new FtcError('FTC_CANNOT', 'the program is the first process of its container', {
    hint: 'Containers that ftc renders have an init; this one was made without ("init: true").',
  });
}

/** Null where nothing was started by an init. Whoever came in from outside, as we did, has the parent 0. Pure. */
export function processes(listed: string): Inside | null {
  const rows = listed
    .split('\n')
    .map(line => line.split(' ').map(Number))
    .filter((row): row is [number, number, number] => row.length === 3 && row.every(Number.isInteger))
    .sort((a, b) => a[0] - b[0]);
  const [main, , uid] = rows.find(([, parent]) => parent === 1) ?? [];
  if (main === undefined || uid === undefined) return null;
  const all = new Set([main]);
  for (const [pid, parent] of rows) if (parent === 1 || all.has(parent)) all.add(pid);
  return { main, all: [...all], uid };
}

/** As the user whose processes they are: a container's root has no right to. Those that are gone are no trouble. */
export async function signalInside(
  faults: Pick<FaultHands, 'exec'>,
  id: string,
  uid: number,
  signal: string,
  pids: readonly number[],
): Promise<void> {
  const name = signal.replace(/^SIG/, '');
  await faults.exec(id, ['sh', '-c', 'kill "$@" 2>/dev/null; :', 'sh', `-${name}`, ...pids.map(String)], {
    user: String(uid),
  });
}

/** In the environment of what we start in a container: how it is found again. */
export const MARK = 'FTC_CHAOS';

const end = `for d in /proc/[0-9]*; do
  if grep -q "${MARK}=$1" "$d/environ" 2>/dev/null; then kill -9 "\${d#/proc/}" 2>/dev/null; fi
done
:`;

/** Ends what was started with this mark. */
export async function endMarked(faults: Pick<FaultHands, 'exec'>, id: string, mark: string): Promise<void> {
  await faults.exec(id, ['sh', '-c', end, 'sh', mark]);
}
