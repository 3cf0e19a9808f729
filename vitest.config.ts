import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // A test that was left with `.only` or `.skip` by accident must not pass for the whole.
    allowOnly: false,
    passWithNoTests: false,
    teardownTimeout: 60_000,
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            'test/unit/**/*.test.ts',
            'src/**/*.test.ts',
            'compose/**/*.test.ts',
            'chaos/**/*.test.ts',
          ],
          testTimeout: 10_000,
          // Pure tests share a process: starting one for each file would take longer than they do.
          isolate: false,
        },
      },
      {
        test: {
          name: 'engine',
          include: ['test/engine/**/*.test.ts'],
          // One job at a time: two cores train three workers.
          fileParallelism: false,
          testTimeout: 5 * 60_000,
          hookTimeout: 5 * 60_000,
        },
      },
    ],
  },
});
