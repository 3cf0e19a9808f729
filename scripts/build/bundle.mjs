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
/** @type {import('esbuild').Plugin} */
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

/** @satisfies {import('esbuild').BuildOptions} */
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

/** What runs in containers, and the folder in src/ that it starts from. */
const processes = { master: 'master', supervisor: 'supervisor', checkpoints: 'checkpoint' };

/**
 * Brings dist/ to exactly what the sources make. A file is replaced in one step and only when it changed, so that a
 * command that runs meanwhile finds whole files, and image layers stay as they are.
 * @param {string} root
 * @returns {Promise<number>} how many files changed
 */
export async function bundle(root) {
  const outdir = join(root, 'dist');
  /** @type {(path: string) => string} */
  const source = path => join(root, 'src', path);
  const results = await Promise.all([
    // The command: dependencies stay in node_modules, and each lazily imported command is a chunk of its own.
    build({
      ...shared,
      outdir,
      entryPoints: { main: source('cli/main.ts') },
      packages: 'external',
      splitting: true,
      chunkNames: '[name]-[hash]',
    }),
    // The processes in containers: one file each that needs nothing beside it, but for what only some jobs need.
    ...Object.entries(processes).map(([name, folder]) =>
      build({
        ...shared,
        outdir,
        entryPoints: { [name]: source(`${folder}/main.ts`) },
        splitting: true,
        chunkNames: `${name}-[name]-[hash]`,
        plugins: [stubs],
        // CommonJS packages call `require` for Node's own modules; in an ES module there is none.
        banner: {
          js: `import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);`,
        },
      }),
    ),
  ]);
  const files = new Map(
    results.flatMap(result => result.outputFiles).map(file => [basename(file.path), file.contents]),
  );
  files.set('cli.js', Buffer.from(launcher));

  mkdirSync(outdir, { recursive: true });
  let written = 0;
  for (const [name, contents] of files) {
    const path = join(outdir, name);
    if (existsSync(path) && readFileSync(path).equals(contents)) continue;
    const temporary = join(outdir, `.${name}.${process.pid}`);
    writeFileSync(temporary, contents);
    if (name === 'cli.js') chmodSync(temporary, 0o755);
    renameSync(temporary, path);
    written += 1;
  }
  // A name with a dot is another build's that runs at this moment.
  const stale = readdirSync(outdir).filter(name => !files.has(name) && !name.startsWith('.'));
  for (const name of stale) rmSync(join(outdir, name), { recursive: true });
  writeFileSync(join(outdir, '.built'), ''); // its time says up to when dist/ matches the sources
  return written;
}
