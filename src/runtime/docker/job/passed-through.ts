/** Variables that a project passes through from the shell, for a worker that is added later, from another shell. */
import { parse } from 'yaml';
import { z } from 'zod';

const Environment = z.union([z.record(z.string(), z.unknown()), z.array(z.string())]);
const Project = z.object({
  services: z.object({ worker: z.object({ environment: Environment.optional() }) }),
});

/**
 * What the workers that run were given of those.
 * @param yaml the project that they were started from
 * @param running the environment of one of them
 */
export function passedThrough(
  yaml: string | null,
  running: Readonly<Record<string, string>>,
): Record<string, string> {
  const read = Project.safeParse(parse(yaml ?? ''));
  const environment = read.success ? (read.data.services.worker.environment ?? {}) : {};
  const names = Array.isArray(environment)
    ? environment.filter(item => !item.includes('='))
    : Object.keys(environment).filter(name => environment[name] === null);
  return Object.fromEntries(
    names.flatMap(name => (running[name] === undefined ? [] : [[name, running[name]] as const])),
  );
}
