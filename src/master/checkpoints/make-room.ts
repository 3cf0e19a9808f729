/** A checkpoint did not fit on the disk: a new one is worth more than the third oldest. Which may go: retention.ts. */
import type { Manager } from '../../checkpoint/manager.ts';
import { prune, removeCheckpoint } from '../../checkpoint/remove.ts';
import { expendable } from '../../checkpoint/retention.ts';
import type { FactOf } from '../../api/fact.ts';
import { type CheckpointRow, isGood } from '../../api/checkpoint-row.ts';

export function makeRoom(manager: Manager): Promise<FactOf<'disk-full' | 'disk-stays-full'>> {
  const { catalogue, policy } = manager;
  return manager.alone(async () => {
    const rows = await manager.sureList();
    const pruned = await prune(catalogue, policy);
    if (pruned.length > 0) {
      return { what: 'disk-full', removed: pruned.map(row => row.step), byRetention: true, left: null };
    }
    const row = expendable(rows, policy);
    if (row === null || !(await removeCheckpoint(catalogue, row.name))) {
      return { what: 'disk-stays-full', kept: why(rows) };
    }
    const left = rows.find(one => isGood(one) && one !== row);
    return { what: 'disk-full', removed: [row.step], byRetention: false, left: left?.step ?? null };
  });
}

function why(rows: readonly CheckpointRow[]): FactOf<'disk-stays-full'>['kept'] {
  const good = rows.filter(isGood);
  const pinned = good.filter(row => row.pinned).length;
  const best = good.filter(row => row.best && !row.pinned).length;
  return { good: good.length, pinned, best, only: good.length === 1 ? (good[0]?.step ?? null) : null };
}
