import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { generated } from '../../../scripts/generate/files.ts';

const root = join(import.meta.dirname, '../../..');

it.each(Object.entries(generated(root)))(
  '%s is current: node scripts/generate.mjs writes it',
  (path, text) => {
    expect(readFileSync(join(root, path), 'utf8')).toBe(text);
  },
);
