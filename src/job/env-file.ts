/**
 * Reads an `envFile` the way Compose does, to find what is wrong with it before Compose would: its errors show the line, and with it
 * the value. What Compose and a person could read differently is refused. Pure.
 */
import { variableProblem } from './environment.ts';

export interface EnvFileProblem {
  /** From 1. */
  readonly line: number;
  /** Without any value. */
  readonly message: string;
}

const assignment = /^(?:export[ \t]+)?([^=\s'"#]+)[ \t]*=[ \t]*(.*)$/;
/** A quoted value, and what may follow it. `\` keeps the next character from ending it. */
const single = /^'(?:\\.|[^'\\])*'[ \t]*(?:#.*)?$/;
const double = /^"(?:\\.|[^"\\])*"[ \t]*(?:#.*)?$/;

export function envFileProblems(text: string): EnvFileProblem[] {
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .flatMap((line, index) => {
      const message = lineProblem(line.trim());
      return message === null ? [] : [{ line: index + 1, message }];
    });
}

function lineProblem(line: string): string | null {
  if (line === '' || line.startsWith('#')) return null;
  const [, name, value = ''] = assignment.exec(line) ?? [];
  if (name === undefined)
    return 'is no NAME=value. A name alone passes nothing here: list it under environment';
  const problem = variableProblem(name, value);
  if (problem !== null) return problem;
  if (value.startsWith("'"))
    return single.test(value) ? null : `gives ${name} a value whose quote does not end on its line`;
  if (value.startsWith('"') && !double.test(value))
    return `gives ${name} a value whose quote does not end on its line`;
  if (/(?<!\\)\$/.test(value))
    return `gives ${name} a value with a "$", which Compose would replace: put the value in single quotes`;
  return null;
}
