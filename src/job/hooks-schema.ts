/** `hooks`: who hears of a job's failure, recovery or success. ./hooks.ts says what is a hook. */
import { z } from 'zod';
import { type Hook, parseHooks } from './hooks.ts';
import { described, group, text } from './schema-parts.ts';

/** For editors: about what {@link parseHooks} takes. */
const words = { type: 'array', items: { type: 'string' }, minItems: 1 };
const oneKey = {
  type: 'object',
  properties: {
    url: { type: 'string', description: 'A URL.' },
    urlFile: { type: 'string', description: 'A file whose text is the URL, relative to this file.' },
    urlEnv: { type: 'string', description: 'A variable of the shell of `ftc up` that holds the URL.' },
    command: {
      anyOf: [{ type: 'string' }, words],
      description: 'A command of the host: words, or a text for sh.',
    },
  },
  minProperties: 1,
  maxProperties: 1,
  additionalProperties: false,
};
const one = [{ type: 'string' }, oneKey];

/** No message here begins with `must`: what was given is not to be repeated, because a URL may be a secret. */
const hooks = (description: string) =>
  z
    .unknown()
    .transform((given, context): readonly Hook[] => {
      const parsed = parseHooks(given);
      if (parsed.problem === null) return parsed.hooks;
      context.addIssue({ code: 'custom', message: parsed.problem });
      return z.NEVER;
    })
    .optional()
    .meta({
      ...described(description),
      anyOf: [...one, { type: 'array', items: { anyOf: one }, minItems: 1 }, { type: 'null' }],
    });

export const HooksSchema = group({
  onFailure: hooks('Hears when the job has failed: a URL or a command, or a list of them.'),
  onRecovery: hooks('Notified when training resumes after a loss.'),
  onSuccess: hooks('Hears when the job has succeeded.'),
  caBundle: text('must be a path to a file of certificates', /^[^$]+$/)
    .nullable()
    .optional()
    .meta(
      described(
        'A file of certificates (PEM), relative to this file: authorities that the master trusts the servers of URLs by, besides those that are known.',
        null,
      ),
    ),
});
