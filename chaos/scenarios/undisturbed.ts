/** The undisturbed run that others are compared with: one for each result, remembered where that is safe. */
import { z } from 'zod';
import { makeOwnFolder, ownFolder } from '../../src/disk/own-folder.ts';
import { FtcError } from '../../src/errors.ts';
import type { Undisturbed } from '../hypotheses/hypothesis.ts';

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

  /** @throws FtcError FTC_NOT_TRUSTED: a digest that somebody else wrote proves nothing */
  #read(): z.infer<typeof Entries> {
    const text = ownFolder(this.#directory).read(FILE);
    try {
      return text === null ? {} : Entries.parse(JSON.parse(text));
    } catch {
      return {};
    }
  }

  /** A folder that cannot be written to costs another run the next time, and nothing else. */
  #write(key: string, one: Undisturbed): void {
    const all = Object.entries({ ...this.#read(), [key]: one }).slice(-MOST);
    const text = `${JSON.stringify(Object.fromEntries(all), null, 2)}\n`;
    try {
      makeOwnFolder(this.#directory).write(FILE, text);
    } catch (error) {
      const refused =
        error instanceof FtcError ? error.code === 'FTC_CANNOT_WRITE' : 'code' in (error as object);
      if (!refused) throw error;
    }
  }
}
