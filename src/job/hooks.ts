/**
 * Who hears of a job's failure, recovery or success: a URL, which the master sends to, or a command of the host. Every URL counts
 * as a secret, because the token of a webhook is often a part of its path. Pure.
 */
import { Secret } from '../shared/secret.ts';

export const hookNames = ['onFailure', 'onRecovery', 'onSuccess'] as const;
export type HookName = (typeof hookNames)[number];

export type Hook =
  | { readonly kind: 'url'; readonly url: Secret }
  /** Absolute path of a file whose text is the URL; relative to the job file while that is read. */
  | { readonly kind: 'urlFile'; readonly path: string }
  /** Name of a variable of the shell of `ftc up`. */
  | { readonly kind: 'urlEnv'; readonly name: string }
  /** Words, or a text for `sh -c`. */
  | { readonly kind: 'command'; readonly command: string | readonly string[] };

export interface Hooks extends Readonly<Record<HookName, readonly Hook[]>> {
  /** Absolute path of a file with authorities that servers are trusted by, besides those that are known. */
  readonly caBundle: string | null;
}

export const noHooks: Hooks = { onFailure: [], onRecovery: [], onSuccess: [], caBundle: null };

/** Names of hooks with a URL, in order. */
export const withUrls = (hooks: Hooks): HookName[] =>
  hookNames.filter(name => hooks[name].some(({ kind }) => kind !== 'command'));

/** Names of hooks with a command, in order. */
export const withCommands = (hooks: Hooks): HookName[] =>
  hookNames.filter(name => hooks[name].some(({ kind }) => kind === 'command'));

/** So many URLs and commands may hear of one thing. */
export const MOST_HOOKS = 8;
const LONGEST_URL = 2048;
const LOCAL = /^(localhost|.*\.localhost|127(\.\d+){3}|0\.0\.0\.0|\[::1?\]|\[::ffff:7f.*\])$/;

/** What is wrong with a URL for the master to send to, as a sentence's end that never repeats it; null where nothing is. */
export function urlProblem(text: string): string | null {
  if (text.length > LONGEST_URL) return `is longer than ${LONGEST_URL} characters`;
  if (!isUrl(text)) return 'is no URL that begins with https:// or http://';
  if (LOCAL.test(new URL(text).hostname))
    return 'leads to the container of the master itself, which sends it: name this machine host.docker.internal there';
  return null;
}

/** Whether something can be sent to it at all. */
export const isUrl = (text: string): boolean =>
  text.length <= LONGEST_URL && /^https?:\/\/[^\s\p{Cc}]+$/iu.test(text) && URL.canParse(text);

/** A text that is meant as a URL, a right one or not. */
const meansUrl = (text: string): boolean => /^\s*[a-z][a-z\d+.-]*:\/\//i.test(text);

/** Either the hooks that a job file gives one name, or what is wrong with them: a sentence's end that repeats no value. */
export type ParsedHooks =
  { readonly hooks: readonly Hook[]; readonly problem: null } | { readonly problem: string };

const FORMS =
  'takes a URL, a command, or a group with one of the keys url, urlFile, urlEnv and command; or a list of URLs and such groups';

/**
 * A text is a URL or a command for `sh`. A list that begins with a word which is no URL is one command with its arguments; any other
 * list has several hooks.
 */
export function parseHooks(given: unknown): ParsedHooks {
  if (given === null || given === undefined) return { hooks: [], problem: null };
  if (!Array.isArray(given)) return several([parseHook(given)]);
  const [first] = given as unknown[];
  if (first === undefined) return { problem: 'is an empty list' };
  if (typeof first === 'string' && !meansUrl(first)) return several([parseCommand(given)]);
  if (given.length > MOST_HOOKS)
    return { problem: `has ${given.length} URLs and commands: the most are ${MOST_HOOKS}` };
  return several(
    given.map((item: unknown, index) => {
      const plain = typeof item === 'string' && !meansUrl(item);
      const parsed = plain
        ? 'is a plain text: in a list a command is written as {command: …}'
        : parseHook(item);
      return typeof parsed === 'string' ? `has an item ${index + 1} that ${parsed}` : parsed;
    }),
  );
}

function several(parsed: readonly (Hook | string)[]): ParsedHooks {
  const problem = parsed.find(one => typeof one === 'string');
  if (problem !== undefined) return { problem };
  return { hooks: parsed.filter(one => typeof one !== 'string'), problem: null };
}

/** One hook, or what is wrong with it. */
function parseHook(given: unknown): Hook | string {
  if (typeof given === 'string') return meansUrl(given) ? parseUrl(given.trim()) : parseCommand(given);
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return FORMS;
  const keys = Object.keys(given);
  const [key = ''] = keys;
  if (keys.length !== 1 || !['url', 'urlFile', 'urlEnv', 'command'].includes(key)) return FORMS;
  const value = (given as Record<string, unknown>)[key];
  if (key === 'command') return parseCommand(value);
  if (typeof value !== 'string' || value === '') return `gives ${key} something that is no text`;
  if (key === 'url') return parseUrl(value);
  if (key === 'urlFile')
    return value.includes('\0') ? 'gives urlFile a path with a NUL' : { kind: key, path: value };
  if (/^[A-Za-z_]\w*$/.test(value)) return { kind: 'urlEnv', name: value };
  return 'gives urlEnv something that is no name of a variable; a URL itself is given to url';
}

function parseUrl(text: string): Hook | string {
  return urlProblem(text) ?? { kind: 'url', url: new Secret(text) };
}

function parseCommand(given: unknown): Hook | string {
  if (typeof given !== 'string' && !Array.isArray(given))
    return 'gives command something that is no text and no list';
  const words: readonly unknown[] = typeof given === 'string' ? [given] : given;
  const odd = words.findIndex(word => typeof word !== 'string');
  if (odd !== -1) return `has a command whose word ${odd + 1} is no text: put it in quotes`;
  const texts = words as readonly string[];
  if ((texts[0] ?? '').trim() === '') return 'has an empty command';
  if (texts.some(word => word.includes('\0'))) return 'has a command that holds a NUL';
  return { kind: 'command', command: typeof given === 'string' ? given : texts };
}
