/** On what runs were made: versions, and the engine's machine. */
import type { Runtime } from '../../src/runtime/runtime.ts';
import { ownPackage } from '../../src/package.ts';
import type { Ground } from './schema.ts';

export async function groundOf(runtime: Runtime): Promise<Ground> {
  const { version, starter, ...machine } = await runtime.about();
  return {
    ftc: ownPackage().version,
    node: process.versions.node,
    engine: version,
    compose: starter,
    ...machine,
  };
}
