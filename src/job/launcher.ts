/** How a script is run: by ftc's runtime, which it imports, or as torchrun runs one that knows nothing of ftc. */

export const launchers = ['ftc', 'torchrun'] as const;
export type Launcher = (typeof launchers)[number];

/** What a script for torchrun takes for its node: the machine, with one process a worker, or each worker. */
export const nodes = ['machine', 'worker'] as const;
export type Node = (typeof nodes)[number];
