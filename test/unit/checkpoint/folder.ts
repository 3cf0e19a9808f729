/** A folder of real checkpoints, small ones. */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nameOf } from '../../../src/checkpoint/names.ts';

export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), 'ftctest-checkpoints-'));

  remove(): void {
    rmSync(this.path, { recursive: true });
  }

  /** Writes a whole checkpoint; `more` changes its manifest. Returns its directory. */
  write(step: number, more: object = {}, state: string | Buffer = `state of ${step}`): string {
    const path = this.at(nameOf(step));
    mkdirSync(path);
    writeFileSync(join(path, 'state.pt'), state);
    writeFileSync(join(path, 'manifest.json'), JSON.stringify({ ...manifestOf(step, state), ...more }));
    return path;
  }

  latest(step: number): void {
    writeFileSync(this.at('LATEST'), `${nameOf(step)}\n`);
  }

  at(...names: string[]): string {
    return join(this.path, ...names);
  }
}

export function manifestOf(step: number, state: string | Buffer) {
  const sha256 = createHash('sha256').update(state).digest('hex');
  return {
    format: 1,
    job: 'a-job',
    step,
    generation: 4,
    epoch: 0,
    samples: step * 240,
    virtualRanks: 12,
    seed: 0,
    batchSize: 240,
    torch: '2.6.0',
    digest: 'd'.repeat(64),
    signature: 'e'.repeat(64),
    createdAt: '2026-01-01T00:00:00.000Z',
    data: null,
    files: { 'state.pt': { bytes: Buffer.byteLength(state), sha256 } },
  };
}
