/** docs/benchmarks.md: sections that the benchmarks write, in the house's format. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { ownPackage } from '../src/package.ts';
import { replaceSection } from './markdown.ts';

export async function writeSection(name: string, body: string): Promise<void> {
  const path = join(ownPackage().root, 'docs/benchmarks.md');
  const page = replaceSection(readFileSync(path, 'utf8'), name, body);
  const config = await resolveConfig(path);
  writeFileSync(path, await format(page, { ...config, parser: 'markdown' }));
}
