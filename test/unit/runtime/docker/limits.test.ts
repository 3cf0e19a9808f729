import fc from 'fast-check';
import { expect, it } from 'vitest';
import { told, update } from '../../../../src/runtime/docker/limits.ts';

const plain = { Memory: 0, MemorySwap: 0, NanoCpus: 0, CpuQuota: 0, CpuPeriod: 0 };

it('limits that were taken off and put back are those of before, however often', () => {
  const amount = fc.oneof(fc.constant(0), fc.integer({ min: 1 << 23, max: 2 ** 40 }));
  fc.assert(
    fc.property(amount, fc.constantFrom(1, 2), (memory, cgroups) => {
      const before = told({ ...plain, Memory: memory, MemorySwap: memory });
      let said = { ...plain, Memory: memory, MemorySwap: memory };
      for (let n = 0; n < 3; n += 1) {
        const { memory: limit, memorySwap } = told(said);
        // What is kept of them in a journal, as JSON, can be read again.
        expect([limit, memorySwap].every(Number.isSafeInteger)).toBe(true);
        said = { ...said, ...update({ memory: limit, memorySwap }, cgroups) };
        expect(told(said).memory).toBe(before.memory);
        if (memory > 0) expect(told(said).memorySwap).toBe(memory);
        else expect(told(said).memorySwap).toBeLessThanOrEqual(0);
      }
    }),
  );
});
