/** The undisturbed run that others are compared with: one for each result, remembered where that is safe. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Undisturbed } from '../hypotheses/hypothesis.ts';

const FOLDER = '.ftc';
const FILE = 'undisturbed.json';
/** Older ones go. */
const MOST = 50;

const Entry = z.object({
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  steps: z.int().positive(),
  trainingMs: z.number(),
});
const Entries = z.record(z.string(), Entry);

export class UndisturbedRuns {
  readonly #known = new Map<string, Undisturbed>();
  readonly #directory: string;

  /** @param directory that has, or gets, the folder `.ftc` */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * @param key what decides the result: see `resultKey`
   * @param remember the key covers everything, so that another day's run may be used
   */
  async of(key: string, remember: boolean, run: () => Promise<Undisturbed>): Promise<Undisturbed> {
    const known = this.#known.get(key) ?? (remember ? this.#read()[key] : undefined);
    const one = known ?? (await run());
    this.#known.set(key, one);
    if (remember && !known) this.#write(key, one);
    return one;
  }

  #read(): z.infer<typeof Entries> {
    try {
      return Entries.parse(JSON.parse(readFileSync(this.#path, 'utf8')));
    } catch {
      return {};
    }
  }

  /** A folder that cannot be written to costs another run the next time, and nothing else. */
  #write(key: string, one: Undisturbed): void {
    const all = Object.entries({ ...this.#read(), [key]: one }).slice(-MOST);
    try {
      mkdirSync(join(this.#directory, FOLDER), { recursive: true });
      writeFileSync(join(this.#directory, FOLDER, '.gitignore'), '*\n');
      const aside = `${this.#path}.${process.pid}`;
      writeFileSync(aside, `${JSON.stringify(Object.fromEntries(all), null, 2)}\n`);
      renameSync(aside, this.#path);
    } catch (error) {
      if (!('code' in (error as object))) throw error;
    }
  }

  get #path(): string {
    return join(this.#directory, FOLDER, FILE);
  }
}
