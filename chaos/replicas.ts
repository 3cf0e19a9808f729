/** What the workers promise of the comparison of their states (docs/protocol.md). */

/** Within so many steps a worker has compared all of its state with the others. */
const COVERAGE_STEPS = 64;

/** A difference is found within so many: the part that it is in may just have had its turn. */
export const FOUND_WITHIN_STEPS = 2 * COVERAGE_STEPS;
