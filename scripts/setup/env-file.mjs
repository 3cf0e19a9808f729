import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/**
 * The value of a variable in the text of a `.env` file, undefined where it is not set.
 * @param {string} text
 * @param {string} name
 */
export function readVariable(text, name) {
  return new RegExp(`^\\s*(?:export\\s+)?${name}=(["']?)(.*?)\\1\\s*$`, 'm').exec(text)?.[2];
}

/**
 * The text with the variable set, or taken out for null. Every other line stays as it is.
 * @param {string} text
 * @param {string} name
 * @param {string | null} value
 */
export function withVariable(text, name, value) {
  const own = new RegExp(`^\\s*(?:export\\s+)?${name}=`);
  const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n');
  const at = lines.findIndex(line => own.test(line));
  const others = lines.filter(line => !own.test(line));
  if (value !== null) others.splice(at < 0 ? others.length : at, 0, `${name}=${value}`);
  return others.length === 0 ? '' : `${others.join('\n')}\n`;
}

/** @param {string} path */
export const readEnvFile = path => (existsSync(path) ? readFileSync(path, 'utf8') : '');

/**
 * Writes only what differs; makes no file for nothing.
 * @param {string} path
 * @param {string} name
 * @param {string | null} value
 * @returns {boolean} whether it wrote
 */
export function setInEnvFile(path, name, value) {
  const before = readEnvFile(path);
  const after = withVariable(before, name, value);
  if (after === before) return false;
  writeFileSync(path, after);
  return true;
}
