import { defineConfig } from 'vitest/config';

/** Nothing else may run meanwhile: how slow somebody is beside the others is what is tested, or a second engine borrows from one at rest. */
const alone = ['ctrl-c', 'engine-restart', 'hang', 'pools'].map(name => `test/engine/${name}.test.ts`);
/** A job that hangs is what these are for: generous, as what waits gives up by itself. Milliseconds. */
const patience = { testTimeout: 5 * 60_000, hookTimeout: 5 * 60_000 };

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
          exclude: alone,
          // A job waits more than it computes: for containers to start, and for what a test breaks.
          maxWorkers: 2,
          ...patience,
        },
      },
      { test: { name: 'alone', include: alone, fileParallelism: false, ...patience } },
    ],
  },
});
