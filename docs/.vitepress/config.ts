/** The docs site: the repository's own pages, as they are. `npm run docs:build` fails on a link to a page that does not exist. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig, type DefaultTheme, type MarkdownOptions } from 'vitepress';
import { anchorOf } from './anchor.ts';

const root = join(import.meta.dirname, '../..');

/** A part of the sidebar. Paths are those of the files, without `.md`. */
const part = (text: string, pages: Record<string, string>): DefaultTheme.SidebarItem => ({
  text,
  items: Object.entries(pages).map(([title, path]) => ({ text: title, link: `/${path}` })),
});

const guide = part('Guide', {
  'What ftc is': '',
  'How recovery works': 'docs/how-it-works',
  'Training scripts': 'docs/training-scripts',
  'What a script gets': 'docs/script-needs',
  'Data in shards': 'docs/data',
  'Scripts for torchrun': 'docs/torchrun',
  Checkpoints: 'docs/checkpoints',
  'Copies in S3': 'docs/s3',
  'Step metrics': 'docs/metrics',
  Hooks: 'docs/hooks',
  'Prove it: ftc verify': 'docs/verify',
  'Break it: ftc chaos': 'docs/chaos',
  'A shared machine': 'docs/shared-machine',
  Troubleshooting: 'docs/troubleshooting',
});
const reference = part('Reference', {
  Commands: 'docs/cli',
  'The job file': 'docs/job-file',
  Events: 'docs/events',
  Benchmarks: 'docs/benchmarks',
  Security: 'SECURITY',
  Changelog: 'CHANGELOG',
});
const internals = part('Internals', {
  Architecture: 'ARCHITECTURE',
  'The protocol': 'docs/protocol',
  Decisions: 'docs/decisions/',
  Contributing: 'CONTRIBUTING',
});

type Renderer = Parameters<NonNullable<MarkdownOptions['config']>>[0];

/** A folder's README.md is its index. A link to a file that is no page (a source, a schema) is shown without a link. */
function linksToPages(md: Renderer): void {
  md.core.ruler.push('links-to-pages', ({ tokens, env }) => {
    const { relativePath } = env as { relativePath: string };
    let linked = true;
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      if (token.type === 'link_close' && !linked) [token.tag, linked] = ['span', true];
      if (token.type !== 'link_open') continue;
      const href = token.attrGet('href') ?? '';
      if (/^([a-z]+:|#)/.test(href)) continue;
      const [path = '', hash] = href.split('#');
      if (path.endsWith('.md') || !existsSync(join(root, relativePath, '..', path))) {
        const page = path.replace(/(^|\/)README\.md$/, '$1index.md');
        token.attrSet('href', hash === undefined ? page : `${page}#${hash}`);
      } else {
        [token.tag, token.attrs, linked] = ['span', null, false];
      }
    }
  });
}

export default defineConfig({
  title: 'ftc',
  description: 'Fault-tolerant distributed PyTorch training as a Docker Compose project',
  srcDir: '..',
  srcExclude: ['{src,compose,chaos,bench,test,scripts,images,examples,dist}/**', '.*/**'],
  rewrites: { 'README.md': 'index.md', 'docs/decisions/README.md': 'docs/decisions/index.md' },
  ignoreDeadLinks: false,
  markdown: { config: linksToPages, anchor: { slugify: anchorOf } },
  themeConfig: {
    sidebar: [guide, reference, internals],
    outline: { level: [2, 3] },
    search: { provider: 'local' },
  },
});
