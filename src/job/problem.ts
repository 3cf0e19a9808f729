/** Turns what a schema finds into sentences for the person who wrote the value. */
import type { z } from 'zod';
import { JobFile } from './schema.ts';
import { closest } from './closest.ts';

export interface Problem {
  /** Where in the job, for who maps it to a position; keys and indices. */
  readonly path: readonly PropertyKey[];
  /** It is the key at `path` that is wrong, not its value. */
  readonly atKey: boolean;
  /** The same as words, such as `recovery.heartbeat`; empty for the whole. */
  readonly key: string;
  /** Goes on from the key: `must be a whole number, not "three"`. */
  readonly message: string;
}

/** All problems of one source's values; the values themselves when there are none. */
export function check(
  values: unknown,
): { value: JobFile; problems: [] } | { value: null; problems: Problem[] } {
  return checkWith(JobFile, 'a job file', values);
}

/** The same by another schema. `what` is what the schema is of, such as `a job file`. */
export function checkWith<Schema extends z.ZodType>(
  schema: Schema,
  what: string,
  values: unknown,
): { value: z.output<Schema>; problems: [] } | { value: null; problems: Problem[] } {
  const result = schema.safeParse(values);
  if (result.success) return { value: result.data, problems: [] };
  const problems = result.error.issues.flatMap(issue => describe(issue, schema, what, values));
  // A value that fails several checks of one rule is one problem.
  const unique = new Map(problems.map(problem => [`${problem.key} ${problem.message}`, problem]));
  return { value: null, problems: [...unique.values()] };
}

function describe(issue: z.core.$ZodIssue, schema: z.ZodType, what: string, values: unknown): Problem[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(key => {
      const path = [...issue.path, key];
      const guess = closest(key, knownKeys(schema, issue.path));
      const message = `is no key of ${what}${guess === null ? '' : `; did you mean "${guess}"?`}`;
      return { path, atKey: true, key: words(path), message };
    });
  }
  const { message: says } = issue;
  const message = says.startsWith('must') ? `${says}, not ${show(at(values, issue.path))}` : says;
  return [{ path: issue.path, atKey: false, key: words(issue.path), message }];
}

/** `args[1]`, `recovery.backoff.max`. */
function words(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, part) =>
      typeof part === 'number' ? `${text}[${part}]` : text === '' ? String(part) : `${text}.${String(part)}`,
    '',
  );
}

function at(values: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      value === null || value === undefined ? value : (value as Record<PropertyKey, unknown>)[part],
    values,
  );
}

function show(value: unknown): string {
  if (value === null || value === undefined) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a group of keys';
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

/** The keys that the schema knows at `path`. */
function knownKeys(schema: unknown, path: readonly PropertyKey[]): string[] {
  for (const part of path) {
    const { shape, element } = unwrap(schema) as { shape?: Record<PropertyKey, unknown>; element?: unknown };
    schema = typeof part === 'number' ? element : shape?.[part];
  }
  return Object.keys((unwrap(schema) as { shape?: object } | undefined)?.shape ?? {});
}

function unwrap(schema: unknown): unknown {
  const inner = (schema as { def?: { innerType?: unknown } } | undefined)?.def?.innerType;
  return inner === undefined ? schema : unwrap(inner);
}
