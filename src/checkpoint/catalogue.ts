/** The checkpoints of a job: what is there, and which of them are known to be whole. Changes nothing. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { now } from '../shared/clock.ts';
import { readPlain } from '../shared/plain-file.ts';
import { examine, type Examined, isDenied, reasonOf } from './examine.ts';
import { hashFile, type ReadOptions } from './hash.ts';
import type { Manifest } from './manifest.ts';
import { LATEST, MAX_LATEST_BYTES, nameOf, parseName } from './names.ts';
import { best, isPinned, type Retention } from './retention.ts';
import { byStep, type CheckpointRow } from '../api/checkpoint-row.ts';

/** What came of reading a checkpoint whole. Holds while its files are those that were read. */
interface Verdict {
  readonly fingerprint: string;
  readonly checkedAt: number;
  readonly problem: string | null;
}

/** Files that are replaced while they are read are read again, so many times. */
const ATTEMPTS = 3;
/** Reasons of this process, not of the file. */
const OURS = new Set(['EMFILE', 'ENFILE', 'ENOMEM']);

export class Catalogue {
  /** The job's own directory in the volume. */
  readonly directory: string;
  readonly #job: string;
  readonly #rules: Omit<Retention, 'keep'>;
  readonly #verdicts = new Map<string, Verdict>();

  constructor(directory: string, job: string, rules: Omit<Retention, 'keep'>) {
    this.directory = directory;
    this.#job = job;
    this.#rules = rules;
  }

  /** Newest first, with those set aside. Empty when the job has none yet. Reads manifests and sizes only. */
  async list(): Promise<CheckpointRow[]> {
    const names = (await this.#names()).filter(name => parseName(name) !== null);
    for (const name of this.#verdicts.keys()) if (!names.includes(name)) this.#verdicts.delete(name);
    const latest = await this.latest();
    const rows = await Promise.all(names.map(name => this.#row(name, latest)));
    const found = rows.filter(row => row !== null).sort(byStep);
    const chosen = new Set(best(found, this.#rules.keepBest));
    return found.map(row => (chosen.has(row) ? { ...row, best: true } : row));
  }

  /** The name that `LATEST` holds; null where it cannot be read. */
  async latest(): Promise<string | null> {
    const text = await readPlain(join(this.directory, LATEST), MAX_LATEST_BYTES).catch(() => null);
    return text === null ? null : text.toString('utf8').trim();
  }

  /** Null where there is none of this step, or its manifest cannot be read. */
  async manifest(step: number): Promise<Manifest | null> {
    return (await this.#examine(nameOf(step)))?.manifest ?? null;
  }

  /**
   * Reads a checkpoint whole and compares it with its manifest. The result is remembered. Null where there is none of this step,
   * or not any more. @throws AbortError
   */
  async verify(step: number, options: ReadOptions = {}): Promise<CheckpointRow | null> {
    const name = nameOf(step);
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const before = await this.#examine(name);
      if (before === null) return null;
      if (before.unreadable) break;
      let problem: string | null;
      try {
        problem = before.problem ?? (await this.#compare(name, before, options));
      } catch (error) {
        // It is asked for again when somebody looks at the list.
        if (isDenied(error)) break;
        throw error;
      }
      // One that was removed or replaced meanwhile was never damaged.
      if ((await this.#examine(name))?.fingerprint !== before.fingerprint) continue;
      this.#verdicts.set(name, { fingerprint: before.fingerprint, checkedAt: now(), problem });
      break;
    }
    return (await this.list()).find(row => row.name === name) ?? null;
  }

  async #compare(name: string, { manifest }: Examined, options: ReadOptions): Promise<string | null> {
    for (const [file, { bytes, sha256 }] of Object.entries(manifest?.files ?? {})) {
      try {
        const found = await hashFile(join(this.directory, name, file), options);
        if (found.bytes !== bytes) return `${file} has ${found.bytes} bytes instead of ${bytes}`;
        if (found.sha256 !== sha256) return `${file} does not have the SHA-256 of its manifest`;
      } catch (error) {
        const { code = '', name } = error as NodeJS.ErrnoException;
        if (name === 'AbortError' || OURS.has(code) || isDenied(error)) throw error;
        return reasonOf(error, file);
      }
    }
    return null;
  }

  async #row(name: string, latest: string | null): Promise<CheckpointRow | null> {
    const parsed = parseName(name);
    const found = await this.#examine(name);
    if (parsed === null || found === null) return null;
    const { step, aside } = parsed;
    const said = this.#verdicts.get(name);
    const verdict = said?.fingerprint === found.fingerprint ? said : null;
    const problem = found.problem ?? verdict?.problem ?? null;
    const bad = found.unreadable ? 'unreadable' : 'damaged';
    const state = problem !== null ? bad : verdict !== null ? 'valid' : 'unverified';
    return {
      step,
      name,
      generation: found.manifest?.generation ?? null,
      createdAt: found.manifest?.createdAt ?? null,
      bytes: found.bytes,
      state: aside ? 'aside' : state,
      checkedAt: verdict?.checkedAt ?? null,
      problem,
      latest: name === latest,
      pinned: !aside && isPinned(step, this.#rules.pinEvery),
      metrics: found.manifest?.metrics ?? {},
      score: this.#score(found.manifest?.metrics ?? {}),
      best: false,
    };
  }

  #score(metrics: Manifest['metrics']): CheckpointRow['score'] {
    const metric = this.#rules.keepBest?.metric;
    if (metric === undefined || !Object.hasOwn(metrics, metric)) return null;
    return { metric, value: metrics[metric] ?? NaN };
  }

  #examine(name: string): Promise<Examined | null> {
    return examine(join(this.directory, name), this.#job, parseName(name)?.step ?? -1);
  }

  async #names(): Promise<string[]> {
    try {
      return await readdir(this.directory);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }
}
