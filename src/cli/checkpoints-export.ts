/** `ftc checkpoints export`: a checkpoint as a file of one's own, which is there only if it is what the manifest says. */
import { stat } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import type { CheckpointClient } from '../client/checkpoint-client.ts';
import { damaged, exportState, exportTar, fetchManifest } from '../client/export-checkpoint.ts';
import { FtcError } from '../errors.ts';
import type { JobFlags } from '../job/sources.ts';
import { bytes } from '../shared/bytes.ts';
import { latestOf, parseStep, rowOf, withCheckpoints } from './checkpoint-source.ts';
import { createProgress } from './view/progress.ts';
import { writeBeside } from './write-beside.ts';
import { stderr, stdout } from './print.ts';

interface Options extends JobFlags {
  readonly force?: boolean;
  readonly json?: boolean;
}

export async function run(options: Options, step: string, file: string): Promise<undefined> {
  const wanted = step === 'latest' ? null : parseStep(step);
  await checkTarget(file, options);
  const exported = await withCheckpoints(options, { write: false, files: true }, (client, signal) =>
    exportTo(client, wanted, file, signal, options.force === true),
  );
  if (options.json) stdout.json(exported, 2);
  const { bytes: size, sha256 } = exported;
  stderr.lines(`step ${exported.step}: ${bytes(size)} written to ${name(file)}, as its manifest says`);
  if (sha256 !== null) stderr.lines(`sha256 ${sha256}`);
}

async function exportTo(
  client: CheckpointClient,
  wanted: number | null,
  file: string,
  signal: AbortSignal,
  force: boolean,
) {
  const rows = await client.list();
  const { step, state, problem, createdAt } = wanted === null ? latestOf(rows) : rowOf(rows, wanted);
  if (state === 'unreadable')
    throw new FtcError('FTC_VOLUME', `the checkpoint of step ${step} cannot be exported: ${problem}`, {
      hint: 'Its files must belong to the user of the job: docs/checkpoints.md, "A volume that cannot be used".',
    });
  if (problem !== null) throw damaged(step, problem);
  const fetched = await fetchManifest({ client, step });
  const { files } = fetched.manifest;
  const tar = file.endsWith('.tar');
  const size = tar
    ? Object.values(files).reduce((sum, one) => sum + one.bytes, 0)
    : (files['state.pt']?.bytes ?? 0);
  const progress = createProgress();
  let done = 0;
  const onBytes = (more: number): void => {
    done += more;
    progress.show(`step ${step}: ${bytes(done)} of ${bytes(size)}`);
  };
  const write = (sink: Writable): Promise<void> =>
    tar
      ? exportTar({ client, step, onBytes }, fetched, sink)
      : exportState({ client, step, onBytes }, fetched, sink);
  try {
    if (file === '-') await write(process.stdout);
    else await writeBeside(file, { force, signal }, write);
  } finally {
    progress.clear();
  }
  // The hash of what was written, where that is one file of the checkpoint.
  const sha256 = tar ? null : (files['state.pt']?.sha256 ?? null);
  return { step, file, createdAt, bytes: size, sha256, files };
}

/** @throws FtcError FTC_USAGE, FTC_FILE_EXISTS */
async function checkTarget(file: string, { force, json }: Options): Promise<void> {
  if (file === '-') {
    if (json) throw new FtcError('FTC_USAGE', 'with --json, stdout is taken: name a file');
    if (process.stdout.isTTY) {
      throw new FtcError('FTC_USAGE', 'a checkpoint is nothing for a terminal', {
        hint: 'Name a file, or send it on: ftc checkpoints export latest - | sha256sum',
      });
    }
    return;
  }
  const there = await stat(file).catch(() => null);
  if (there?.isDirectory()) {
    throw new FtcError('FTC_USAGE', `${file} is a directory`, {
      hint: `Name a file in it, such as ${file.replace(/\/+$/, '')}/model.pt`,
    });
  }
  if (there && !force) {
    throw new FtcError('FTC_FILE_EXISTS', `${file} exists already; nothing was written`, {
      hint: '--force replaces it, once the new one is whole.',
    });
  }
}

const name = (file: string): string => (file === '-' ? 'stdout' : file);
