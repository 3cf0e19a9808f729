/** The keys that give a script what it needs beside its own folder. */
import { z } from 'zod';
import { parseVariable, variableProblem, type ScriptEnvironment } from './environment.ts';
import { defaults } from './job.ts';
import { described, text } from './schema-parts.ts';
import { parseVolume, targetProblem, type Volume } from './volumes.ts';

export const amount = (example: string) =>
  text(`must be an amount such as "512m" or "${example}"`, /^[1-9]\d*[kmg]b?$/i);

// No `must`: what was given here is not to be repeated.
const environmentMessage = 'takes a group of names and their values, or a list of NAME=value and NAME';
const environment = z
  .union(
    [
      z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
      z.array(z.string(environmentMessage)),
    ],
    environmentMessage,
  )
  .superRefine((given, context) => {
    for (const { path, name, value } of variables(given)) {
      const message = variableProblem(name, value);
      if (message !== null) context.addIssue({ code: 'custom', path: [path], message });
    }
  })
  .transform((given): ScriptEnvironment =>
    Object.fromEntries(variables(given).map(({ name, value }) => [name, value])),
  );

type Given = Record<string, string | number | boolean | null> | string[];

function variables(given: Given): { path: string | number; name: string; value: string | null }[] {
  if (!Array.isArray(given))
    return Object.entries(given).map(([name, value]) => ({
      path: name,
      name,
      value: value === null ? null : String(value),
    }));
  return given.map((item, path) => {
    const [name, value] = parseVariable(item);
    return { path, name, value };
  });
}

const volumeMessage = 'must be "source:target", "source:target:ro" or "source:target:rw"';
const volumes = z
  .array(z.string(volumeMessage), 'must be a list of "source:target"')
  .superRefine((given, context) => {
    const targets = new Set<string>();
    for (const [index, item] of given.entries()) {
      const volume = parseVolume(item);
      const message = volume === null ? volumeMessage : targetProblem(volume.target);
      if (message !== null) context.addIssue({ code: 'custom', path: [index], message });
      else if (volume !== null && targets.has(volume.target))
        context.addIssue({
          code: 'custom',
          path: [index],
          message: `has the target ${volume.target}, as another one before it`,
        });
      if (volume !== null) targets.add(volume.target);
    }
  })
  .transform((given): readonly Volume[] => given.flatMap(item => parseVolume(item) ?? []));

export const scriptKeys = {
  environment: environment
    .optional()
    .meta(
      described(
        "Variables of the script's environment: NAME: value, or a list of NAME=value. A name without a value is passed through from the shell of `ftc up`.",
        {},
      ),
    ),
  envFile: text('must be a file of NAME=value lines')
    .nullable()
    .optional()
    .meta(
      described(
        'A file of more variables, NAME=value a line, relative to this file. Only its path is kept.',
        null,
      ),
    ),
  requirements: text('must be a requirements file of pip')
    .nullable()
    .optional()
    .meta(
      described(
        "A requirements.txt, relative to this file: pip installs it into a layer of the workers' image.",
        null,
      ),
    ),
  volumes: volumes
    .optional()
    .meta(
      described(
        'More folders or files of the host: "source:target", read-only, or "source:target:rw". Relative to this file.',
        [],
      ),
    ),
  workdir: z
    .boolean('must be true or false')
    .optional()
    .meta(
      described(
        "The script runs in a writable copy of its folder, beside the job's checkpoints. All workers share it, and it outlives them.",
        defaults.workdir,
      ),
    ),
  outputs: text('must be a directory of the host')
    .nullable()
    .optional()
    .meta(
      described(
        'A directory of the host that every worker can write, at /outputs ($OUTPUT_DIR). Made where it is not there.',
        null,
      ),
    ),
  shmSize: amount('2g')
    .optional()
    .meta(
      described(
        "Size of /dev/shm in each worker, where a DataLoader's processes hand batches over. It counts as memory when used.",
        defaults.shmSize,
      ),
    ),
};
