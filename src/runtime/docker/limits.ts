/** How the engine is told of limits. */
import type { Limits } from '../faults.ts';

/** What the kernel calls unlimited: the largest number of whole pages. */
const NO_LIMIT = 2 ** 63 - 4096;

/** A container's `HostConfig`, as the engine tells it. */
export interface Said {
  readonly Memory: number;
  readonly MemorySwap: number;
  readonly NanoCpus: number;
  readonly CpuQuota: number;
  readonly CpuPeriod: number;
}

/** The limits that a container has. Of one that had its memory's limit taken off, the engine repeats {@link NO_LIMIT}. Pure. */
export function told({ Memory, MemorySwap, NanoCpus, CpuQuota, CpuPeriod }: Said): Limits {
  const memory = Number.isSafeInteger(Memory) ? Memory : 0;
  const memorySwap = Number.isSafeInteger(MemorySwap) ? MemorySwap : -1;
  return { memory, memorySwap, nanoCpus: NanoCpus, cpuQuota: CpuQuota, cpuPeriod: CpuPeriod };
}

/** The engine takes 0 for "leave it": what means "no limit" differs from field to field. Pure. */
export function update(limits: Partial<Limits>, cgroups: number): Record<string, number> {
  const { memory, memorySwap = memory ?? 0, nanoCpus = 0, cpuQuota, cpuPeriod = 0 } = limits;
  // The first kind of cgroups wants both numbers at once, the second counts swap alone.
  const noSwapLimit = cgroups === 1 ? NO_LIMIT : -1;
  return {
    ...(memory !== undefined && {
      Memory: memory === 0 ? NO_LIMIT : memory,
      MemorySwap: memorySwap > 0 ? memorySwap : noSwapLimit,
    }),
    ...(nanoCpus > 0
      ? { NanoCpus: nanoCpus }
      : cpuQuota !== undefined && { CpuQuota: cpuQuota === 0 ? -1 : cpuQuota }),
    ...(nanoCpus === 0 && cpuPeriod > 0 && { CpuPeriod: cpuPeriod }),
  };
}
