/** A scenario's file. A message continues the key: `atOnce must be …`. */
import { z } from 'zod';
import { described, duration, group, text, whole } from '../../src/job/schema-parts.ts';
import { JobFile } from '../../src/job/schema.ts';
import { Hypotheses } from '../hypotheses/index.ts';
import { EntrySchema, methodEntry } from './entry.ts';
import type { Rollback, Scenario } from './scenario.ts';

/** A run has these of its own, or its result would depend on more than can be seen. */
const reserved = ['name', 'port', 'launcher', 'data'] as const;
/** What is looked up on the host, which is done for the job that is broken. */
const ofTheHost = ['envFile', 'requirements', 'volumes', 'outputs', 'hooks'] as const;

const JobOverrides = JobFile.superRefine((job, context) => {
  for (const key of [...reserved, ...ofTheHost])
    if (job[key] !== undefined)
      context.addIssue({ code: 'custom', path: [key], message: 'is not for a scenario to choose' });
  for (const key of ['dir', 's3'] as const)
    if (job.checkpoint?.[key] != null)
      context.addIssue({
        code: 'custom',
        path: ['checkpoint', key],
        message: 'is not for a scenario to choose: each run has a volume of its own',
      });
});

const roles = ['supervisor', 'master', 'worker'] as const;
const healMessage = 'must be true';
const RollbackSchema = group({
  heal: z.literal(true, healMessage).optional().meta(described('Undo what is still in force.')),
  start: z
    .enum(roles, `must be one of ${roles.join(', ')}`)
    .optional()
    .meta(described('Start the containers of this role that are down.')),
  scale: whole(1, 1000).optional().meta(described('So many workers.')),
})
  .refine(
    r => Object.values(r).filter(v => v !== undefined).length === 1,
    'needs one of heal, start and scale',
  )
  .transform(({ start, scale }): Rollback => {
    if (start !== undefined) return { kind: 'start', role: start };
    return scale === undefined ? { kind: 'heal' } : { kind: 'scale', workers: scale };
  });

const list = 'must be a list';

export const ScenarioFile = group({
  title: text('must be a line of text', /^[^\n]{1,80}$/).meta(described('What it is called in reports.')),
  description: text('must be a text', /\S/).optional().meta(described('What it proves, and how.')),
  job: JobOverrides.optional().meta(
    described(
      "What the job has other than it would, as in a job file. Without --file that is a small job of ftc's own.",
    ),
  ),
  hypothesis: Hypotheses.optional().meta(
    described(
      'What must hold. Without a word: the job succeeds with the same bits, no committed step is lost, no damaged checkpoint is loaded, and nothing is started again that no fault touched.',
    ),
  ),
  method: z
    .array(EntrySchema, `${list} of faults, such as "- { at: 40%, kill: worker }"`)
    .min(1, `${list} with at least one fault`)
    .meta(described('What is done to the job, and when.')),
  rollbacks: z
    .array(RollbackSchema, list)
    .optional()
    .meta(described('What puts the job in order again when the method is through.')),
  atOnce: whole(1, 100).optional().meta(described('Faults that are in force at one time, at most.', 1)),
  minInterval: duration(0, '0s').optional().meta(described('From one fault to the next, at least.', '0s')),
  seed: whole(0).optional().meta(described('Of all that is drawn. --seed wins over it.')),
}).meta({
  title: 'ftc chaos scenario',
  description: 'What is claimed of a job, and what is done to it meanwhile.',
});

export function scenarioOf(file: z.output<typeof ScenarioFile>, name: string, path: string | null): Scenario {
  return {
    name,
    file: path,
    title: file.title,
    description: file.description?.trim() ?? '',
    job: file.job ?? {},
    hypothesis: file.hypothesis ?? {},
    method: file.method.map(methodEntry),
    rollbacks: file.rollbacks ?? [],
    atOnce: file.atOnce ?? 1,
    minInterval: file.minInterval ?? 0,
    seed: file.seed ?? null,
  };
}
