/** Text that Compose is to take as it is: its `$` starts no variable. */
export function literal(text: string): string {
  return text.replaceAll('$', '$$$$');
}

/** The one thing here that Compose fills in itself, from its environment. */
export function variable(name: string, otherwise: string): string {
  return `\${${name}:-${otherwise}}`;
}
