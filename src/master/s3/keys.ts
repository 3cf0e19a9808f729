/** Names of objects: `<base>step-00000100/state.pt`, as in the volume. Pure. */
import { nameOf, parseName } from '../../checkpoint/names.ts';

const FILE = /^(?!\.)[\w.-]+$/;

/** @param base what every key of the job's begins with; ends with `/` */
export const keyOf = (base: string, step: number, file: string): string => `${base}${nameOf(step)}/${file}`;

/** Null for what is not ours: another job's, another program's, a name that we would not have given. */
export function parseKey(base: string, key: string): { step: number; file: string } | null {
  if (!key.startsWith(base)) return null;
  const [name = '', file = '', ...rest] = key.slice(base.length).split('/');
  const parsed = parseName(name);
  if (parsed === null || parsed.aside || rest.length > 0 || !FILE.test(file)) return null;
  return { step: parsed.step, file };
}
