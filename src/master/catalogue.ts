/** The checkpoints of a job: what is there, and what may go. Only complete ones count; nothing here loads one. */
import { readFile, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { CheckpointRow } from './status.ts';

/** `manifest.json`, the part that the master reads. docs/protocol.md has the whole. */
const Manifest = z.object({
  format: z.literal(1),
  job: z.string(),
  step: z.int().nonnegative(),
  generation: z.int().nonnegative(),
  createdAt: z.string(),
  files: z.record(z.string(), z.object({ bytes: z.int().nonnegative(), sha256: z.string() })),
});

const NAME = /^step-(\d{8,})$/;

/** Newest first. An empty list when the job has none yet. */
export async function listCheckpoints(directory: string): Promise<CheckpointRow[]> {
  const names = await readdir(directory).catch(() => []);
  const latest = await readFile(join(directory, 'LATEST'), 'utf8').then(
    text => text.trim(),
    () => null,
  );
  const rows = await Promise.all(
    names.flatMap(name => {
      const step = NAME.exec(name)?.[1];
      return step === undefined ? [] : [read(join(directory, name), Number(step), name === latest)];
    }),
  );
  return rows.sort((a, b) => b.step - a.step);
}

async function read(path: string, step: number, latest: boolean): Promise<CheckpointRow> {
  const bad = (problem: string): CheckpointRow => ({
    step,
    generation: null,
    createdAt: null,
    bytes: 0,
    complete: false,
    problem,
    latest,
  });
  let manifest: z.infer<typeof Manifest>;
  try {
    manifest = Manifest.parse(JSON.parse(await readFile(join(path, 'manifest.json'), 'utf8')));
  } catch (error) {
    return bad(
      error instanceof z.ZodError ? 'manifest is not of format 1' : 'manifest is missing or unreadable',
    );
  }
  let bytes = 0;
  for (const [name, file] of Object.entries(manifest.files)) {
    const size = await stat(join(path, name)).then(
      s => s.size,
      () => null,
    );
    if (size === null) return bad(`${name} is missing`);
    if (size !== file.bytes) return bad(`${name} has ${size} bytes instead of ${file.bytes}`);
    bytes += size;
  }
  const { generation, createdAt } = manifest;
  return { step, generation, createdAt, bytes, complete: true, problem: null, latest };
}

/** The steps that may go: complete ones beyond the `keep` newest complete ones, never the one that LATEST names. Pure. */
export function prunable(rows: readonly CheckpointRow[], keep: number): number[] {
  const complete = rows.filter(r => r.complete).sort((a, b) => b.step - a.step);
  return complete
    .slice(Math.max(1, keep))
    .filter(r => !r.latest)
    .map(r => r.step);
}

/** Removes what {@link prunable} names. Returns the steps removed. */
export async function prune(directory: string, keep: number): Promise<number[]> {
  const steps = prunable(await listCheckpoints(directory), keep);
  for (const step of steps) {
    await rm(join(directory, `step-${String(step).padStart(8, '0')}`), { recursive: true, force: true });
  }
  return steps;
}
