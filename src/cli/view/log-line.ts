/**
 * A line of `docker compose logs` as `ftc logs` prints it. Whose it is, Compose says in front of the bar, and nothing behind
 * the bar changes that: a worker's line is its container's, whatever it looks like.
 */
import pretty from 'pino-pretty';
import { visible } from '../../shared/visible.ts';
import { ours } from '../print.ts';

/** The name that Compose gives a container in front of its lines, then the bar. */
const LINE = /^(\S+ +\| )(.*)$/s;
/** Those whose JSON is ftc's. What a worker prints is its script's. */
const SPEAKS_JSON = /^(master|supervisor)-\d+ /;

export interface LogForm {
  /** JSON as it is. */
  readonly raw: boolean;
  readonly colour: boolean;
}

/** Several lines where it returns to its beginning, as progress bars do: each stands behind its container's name. */
export function logLines({ raw, colour }: LogForm): (line: string) => string[] {
  const prettify = pretty.prettyFactory({
    colorize: colour,
    singleLine: true,
    translateTime: 'HH:MM:ss.l',
    ignore: 'name,job,pid,hostname',
  });
  return line => {
    const [, prefix = '', text = line] = LINE.exec(line) ?? [];
    const entry = raw || !SPEAKS_JSON.test(prefix) ? null : parse(text);
    if (entry !== null) {
      const said = ours(prettify(clean(entry)).trimEnd());
      return said.split('\n').map(part => prefix + part);
    }
    const parts = text.split('\r').filter((part, i, all) => part !== '' || all.length === 1);
    return parts.map(part => prefix + part.replaceAll('\t', '    '));
  };
}

function parse(text: string): object | null {
  if (!text.startsWith('{')) return null;
  try {
    return JSON.parse(text) as object;
  } catch {
    return null;
  }
}

/** A copy whose texts are safe to print; stacks keep their lines. */
function clean<Value>(value: Value, key = ''): Value {
  const walk = (): unknown => {
    if (typeof value === 'string')
      return key === 'stack' ? value.split('\n').map(visible).join('\n') : visible(value);
    if (Array.isArray(value)) return value.map(item => clean<unknown>(item));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [visible(name), clean<unknown>(item, name)]),
    );
  };
  return walk() as Value;
}
