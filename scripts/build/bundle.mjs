import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'esbuild';

/** What the command starts with: plain enough for any Node to parse, so that an old one gets a message. */
const launcher = `#!/usr/bin/env node
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error('ftc needs Node 20.19 or newer; this is ' + process.version + '.');
  process.exit(2);
}
process.setSourceMapsEnabled(true);
import('./main.js');
`;

/** Reached through a bundled package, never needed in a container: SSH to an engine and BuildKit sessions. */
const unusedInContainers = /^(ssh2|cpu-features|@grpc\/grpc-js|@grpc\/proto-loader)$|\.node$/;
const stubs = {
  name: 'stubs',
  setup(plugin) {
    plugin.onResolve({ filter: unusedInContainers }, ({ path }) => ({ path, namespace: 'stub' }));
    plugin.onLoad({ filter: /.*/, namespace: 'stub' }, () => ({
      contents: 'module.exports = {};',
      loader: 'js',
    }));
  },
};

const shared = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  sourcemap: 'linked',
  sourcesContent: false,
  legalComments: 'none',
  logLevel: 'warning',
  write: false,
};

/** The command: dependencies stay in node_modules, and each lazily imported command is a chunk of its own. */
const command = (root, entry) => ({
  ...shared,
  entryPoints: { main: join(root, entry) },
  outdir: join(root, 'dist'),
  packages: 'external',
  splitting: true,
  chunkNames: '[name]-[hash]',
});

/** A process in a container: one file that needs nothing beside it. */
const daemon = (root, entry, name) => ({
  ...shared,
  entryPoints: { [name]: join(root, entry) },
  outdir: join(root, 'dist'),
  plugins: [stubs],
  // CommonJS packages call `require` for Node's own modules; in an ES module there is none.
  banner: {
    js: `import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);`,
  },
});

/**
 * Builds what has an entry under `root` and brings dist/ to exactly that. A file is replaced in one step and only when
 * it changed, so that a command that runs meanwhile finds whole files, and image layers stay as they are.
 * @returns {Promise<{written: number, missing: string[]}>}
 */
export async function bundle(root) {
  const wanted = [
    ['src/cli/main.ts', command],
    ['src/master/main.ts', daemon, 'master'],
    ['src/supervisor/main.ts', daemon, 'supervisor'],
  ];
  const present = wanted.filter(([entry]) => existsSync(join(root, entry)));
  const results = await Promise.all(
    present.map(([entry, options, name]) => build(options(root, entry, name))),
  );
  const files = new Map(
    results.flatMap(result => result.outputFiles).map(file => [basename(file.path), file.contents]),
  );
  if (files.has('main.js')) files.set('cli.js', Buffer.from(launcher));

  const dist = join(root, 'dist');
  mkdirSync(dist, { recursive: true });
  let written = 0;
  for (const [name, contents] of files) {
    const path = join(dist, name);
    if (existsSync(path) && readFileSync(path).equals(contents)) continue;
    const temporary = join(dist, `.${name}.${process.pid}`);
    writeFileSync(temporary, contents);
    if (name === 'cli.js') chmodSync(temporary, 0o755);
    renameSync(temporary, path);
    written += 1;
  }
  for (const name of readdirSync(dist)) if (!files.has(name)) rmSync(join(dist, name), { recursive: true });
  writeFileSync(join(dist, '.built'), ''); // its time says up to when dist/ matches the sources
  return { written, missing: wanted.map(([entry]) => entry).filter(entry => !existsSync(join(root, entry))) };
}
