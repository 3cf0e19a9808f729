/** What runs of one purpose have left. */
import type { Runtime, Whose } from '../runtime/runtime.ts';

/** Removes all such runs that nobody answers for any more. @returns their names */
export async function removeLeftovers(runtime: Runtime, whose: Whose): Promise<readonly string[]> {
  const { projects } = await runtime.findLeftovers(whose);
  for (const project of projects) await runtime.removeRun(whose, project);
  return projects;
}
