/** How a script is run: by ftc's runtime, which it imports, or as torchrun runs one that knows nothing of ftc. */

export const launchers = ['ftc', 'torchrun'] as const;
export type Launcher = (typeof launchers)[number];

/** `import ftc`, `import torch, ftc`, `from ftc import …`, anywhere in a line of its own. */
const importsFtc =
  /^[ \t]*(?:import[ \t]+(?:[\w.]+(?:[ \t]+as[ \t]+\w+)?[ \t]*,[ \t]*)*ftc\b|from[ \t]+ftc(?:\.\w+)*[ \t]+import\b)/m;

/** What `launcher: auto` means for a script. `source` is its text; null where there is none to read. */
export function launcherFor(source: string | null): Launcher {
  return source === null || importsFtc.test(source) ? 'ftc' : 'torchrun';
}
