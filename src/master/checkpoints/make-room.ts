/** A checkpoint did not fit on the disk: a new one is worth more than the third oldest. Which may go: retention.ts. */
import type { Manager } from '../../checkpoint/manager.ts';
import { prune, removeCheckpoint } from '../../checkpoint/remove.ts';
import { expendable } from '../../checkpoint/retention.ts';
import { type CheckpointRow, isGood } from '../../api/checkpoint-row.ts';

export interface Room {
  readonly removed: boolean;
  /** One line for people. */
  readonly text: string;
}

export function makeRoom(manager: Manager): Promise<Room> {
  const { catalogue, policy } = manager;
  return manager.alone(async () => {
    const rows = await manager.sureList();
    const pruned = await prune(catalogue, policy);
    if (pruned.length > 0) {
      return { removed: true, text: `the disk is full: ${said(pruned)} removed, as retention wants it` };
    }
    const row = expendable(rows, policy);
    if (row === null || !(await removeCheckpoint(catalogue, row.name))) {
      return { removed: false, text: `the disk is full, and no checkpoint may be removed${why(rows)}` };
    }
    const left = rows.find(one => isGood(one) && one !== row);
    const rest = left === undefined ? '' : `; the newest that is left is of step ${left.step}`;
    return { removed: true, text: `the disk is full: ${said([row])} removed to make room${rest}` };
  });
}

function said(rows: readonly CheckpointRow[]): string {
  const steps = rows.map(row => row.step).join(', ');
  return rows.length === 1 ? `the checkpoint of step ${steps} is` : `the checkpoints of steps ${steps} are`;
}

const are = (many: number): string => (many === 1 ? 'is' : 'are');

function why(rows: readonly CheckpointRow[]): string {
  const good = rows.filter(isGood);
  const pinned = good.filter(row => row.pinned).length;
  const best = good.filter(row => row.best && !row.pinned).length;
  if (good.length === 0) return ': there is none that could be loaded';
  if (good.length === 1) return `: that of step ${good[0]?.step} is the last`;
  if (pinned === 0 && best === 0)
    return `: training would go on from one of the ${good.length} that are left`;
  const kept = [
    ...(pinned > 0 ? [`${pinned} ${are(pinned)} kept for good by checkpoint.keepEvery`] : []),
    ...(best > 0 ? [`${best} ${are(best)} kept as the best by checkpoint.keepBest`] : []),
  ];
  return `: of the ${good.length} that are left, ${kept.join(' and ')}`;
}
