import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder that holds package.json: the checkout, or the installed package. */
export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/[/\\]$/, '');

/** False for an installed package, which comes built and whose dependencies npm has put where they belong. */
export const isCheckout = existsSync(join(root, 'src'));
