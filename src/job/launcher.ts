/** How a script is run: by ftc's runtime, which it imports, or as torchrun runs one that knows nothing of ftc. */

export const launchers = ['ftc', 'torchrun'] as const;
export type Launcher = (typeof launchers)[number];
