/** Milliseconds since the epoch that never jump: the wall clock at the start plus the monotonic clock since. */
export const now = (): number => performance.timeOrigin + performance.now();
