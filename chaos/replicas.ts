/** What the workers promise of the comparison of their states (docs/chaos.md). */

/** Within so many steps a worker has compared all of its state with the others: MOST_STEPS in images/worker/ftc/replicas/coverage.py. */
const COVERAGE_STEPS = 64;

/** A difference is found within so many: the part that it is in may just have had its turn, and the next round may be cut anew. */
export const FOUND_WITHIN_STEPS = 2 * COVERAGE_STEPS;
