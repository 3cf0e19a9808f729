import { fileURLToPath } from 'node:url';

/** The folder that holds package.json: the checkout, or the installed package. */
export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/[/\\]$/, '');
