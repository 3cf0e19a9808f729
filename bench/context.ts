/** What every benchmark is given. */
import type { Connection } from '../src/runtime/docker/connect.ts';
import type { Options } from './options.ts';

export interface Context {
  readonly options: Options;
  readonly connection: Connection;
  /** Aborts when the run is interrupted; whoever has started something removes it then. */
  readonly signal: AbortSignal;
  /** One line for people. */
  say(text: string): void;
}

/** What becomes a section of the page. */
export interface Section {
  /** Markdown: tables, and how they came about. */
  readonly body: string;
  /** Every single figure, for `--json`. */
  readonly data: unknown;
}

/** Jobs of this process, and nobody else's, are called so. */
export const ownPrefix = (): string => `ftcb-${process.pid}-`;
