/**
 * `manifest.json` beside a checkpoint's files: what it is, and by what it verifies. The worker reads the same
 * (images/worker/ftc/checkpoint/manifest.py); test/vectors/manifest.json holds both to it, schema/manifest.schema.json is made from it.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';

const FORMAT = 1;

/** A manifest that is larger is none. Bytes. */
export const MAX_MANIFEST_BYTES = 1 << 20;

const whole = z.int().nonnegative();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** Plain names of files in the checkpoint's own directory. The manifest cannot hold its own hash. */
const FileName = z.string().regex(/^(?!manifest\.json$)[A-Za-z0-9][A-Za-z0-9._-]*$/);

const File = z.object({ bytes: whole, sha256 });

export const Manifest = z
  .object({
    format: z.literal(FORMAT),
    job: z.string(),
    step: whole,
    generation: whole,
    epoch: whole,
    samples: whole.describe('Samples in all committed steps.'),
    virtualRanks: whole,
    seed: whole,
    batchSize: whole,
    torch: z.string().describe('Version of torch.'),
    digest: sha256.describe('Of the state: names, dtypes, shapes and bytes.'),
    signature: sha256.describe('Of the model without its values: names, dtypes, shapes.'),
    createdAt: z.string().describe('ISO 8601.'),
    data: z
      .object({ shard: z.string(), line: whole })
      .nullish()
      .transform(position => position ?? null)
      .describe('Where the next sample of the next step is; null without a sharded data set.'),
    files: z
      .record(FileName, File)
      .refine(files => Object.hasOwn(files, 'state.pt'), 'names no state.pt')
      .meta({ description: 'Every file, by name.', required: ['state.pt'] }),
    metrics: z
      .record(z.string().min(1), z.number())
      .nullish()
      .transform(metrics => metrics ?? {})
      .describe('What the script logged in the step, by name; not there where it logged nothing.'),
    finished: z
      .string()
      .nullish()
      .transform(reason => reason ?? null)
      .describe('Why training ended early at this step; null, or not there, where it did not.'),
    rules: whole
      .nullish()
      .transform(rules => rules ?? 1)
      .describe(
        "Counts changes of what a step's bits follow from besides script, data and settings; not there in older ones, where it is 1.",
      ),
    seal: sha256
      .optional()
      .describe(
        'Comes last, on a line of its own: the SHA-256 of all bytes before the comma that goes before it.',
      ),
  })
  .meta({ title: 'manifest of a checkpoint', description: 'Unknown fields are ignored.' });
export type Manifest = Omit<z.output<typeof Manifest>, 'seal'>;

/** Reads `manifest.json`. @throws ManifestError that says what is wrong */
export function parseManifest(bytes: Uint8Array): Manifest {
  const value = parseJson(bytes);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ManifestError('manifest.json is not an object');
  }
  const { format } = value as Partial<Record<string, unknown>>;
  if (format !== FORMAT) {
    throw new ManifestError(`manifest.json has format ${short(format)}, and ${FORMAT} is known`);
  }
  if ('seal' in value && !holds(bytes)) {
    throw new ManifestError('manifest.json: its seal does not fit what it says');
  }
  const found = Manifest.omit({ seal: true }).safeParse(value);
  const dropped = records.find(name => drops((value as Partial<Record<string, unknown>>)[name]));
  if (found.success && dropped === undefined) return found.data;
  throw new ManifestError(`manifest.json: ${reason(value, found.error?.issues[0]?.path ?? [dropped ?? ''])}`);
}

const records = ['files', 'metrics'] as const;

/** A record has no place for this name, and loses it without a word. */
const drops = (record: unknown): boolean =>
  typeof record === 'object' && record !== null && Object.hasOwn(record, '__proto__');

export class ManifestError extends Error {
  override readonly name = 'ManifestError';
}

/** As the worker reads it: UTF-8 without a byte order mark, and nothing that is no JSON. */
function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw new ManifestError('manifest.json is not JSON');
  }
}

/** A flipped bit in a step or a seed is as bad as one in the state. */
function holds(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes);
  const start = text.lastIndexOf(',\n  "seal"');
  if (start < 0) return false;
  const [, seal] =
    /^,\n {2}"seal": "([0-9a-f]{64})"\n\}\s*$/.exec(text.subarray(start).toString('latin1')) ?? [];
  return seal === createHash('sha256').update(text.subarray(0, start)).digest('hex');
}

function reason(value: object, [key, name, ...rest]: readonly PropertyKey[]): string {
  const at = (value as Record<PropertyKey, unknown>)[key ?? ''];
  if (key === 'metrics' && typeof at === 'object' && at !== null && !Array.isArray(at))
    return `metrics: the entry of ${short(name ?? '__proto__')} is no number of a name`;
  if (key !== 'files') return `${[key, name, ...rest].filter(Boolean).join('.')} is ${short(at)}`;
  if (typeof at !== 'object' || at === null || !Object.hasOwn(at, 'state.pt'))
    return 'files names no state.pt';
  return `files: the entry of ${short(name ?? '__proto__')} is not complete`;
}

const short = (value: unknown): string =>
  ((JSON.stringify(value) as string | undefined) ?? 'missing').slice(0, 80);
