import tseslint from 'typescript-eslint';

/** Which folder may import from which others: imports go down, never up. `src/errors.ts` and `src/package.ts` are everybody's. */
const layers = {
  'src/shared': [],
  'src/disk': [],
  'src/protocol': ['shared'],
  'src/job': ['shared'],
  'src/api': ['job', 'protocol', 'shared'],
  'src/metrics': ['api', 'shared'],
  'src/checkpoint': ['api', 'job', 'metrics', 'shared'],
  'src/runtime': ['job', 'shared'],
  compose: ['job', 'shared'],
  'src/master': ['api', 'checkpoint', 'job', 'metrics', 'protocol', 'shared'],
  'src/supervisor': ['protocol', 'runtime', 'shared'],
  'src/client': ['api', 'checkpoint', 'disk', 'job', 'protocol', 'runtime', 'shared'],
  // What a runtime is made of. Whoever wants one asks src/runtime/pick.ts, which loads it.
  'src/runtime/docker': ['api', 'client', 'compose', 'disk', 'job', 'protocol', 'runtime', 'shared'],
  'src/trial': ['job', 'runtime', 'shared'],
  chaos: ['api', 'client', 'disk', 'job', 'protocol', 'runtime', 'shared', 'trial'],
  'src/verify': ['api', 'chaos', 'client', 'job', 'protocol', 'runtime', 'shared', 'trial'],
  'src/cli': [
    ...['api', 'chaos', 'client', 'disk', 'job', 'protocol', 'runtime', 'shared', 'trial'],
    'verify',
  ],
};
const folders = [...Object.keys(layers), 'bench', 'test'].map(path => path.replace('src/', ''));

const dockerode = { regex: '^dockerode$', message: 'Docker is known to src/runtime/docker alone.' };
/** Where a program begins, it is decided what a job runs on. */
const roots = { 'src/supervisor/main.ts': ['protocol', 'runtime', 'runtime/docker', 'shared'] };

/** Refuses what a folder, or a file, may not import. */
const importRules = [...Object.entries(layers), ...Object.entries(roots)].map(([path, may]) => {
  const own = path.replace('src/', '');
  const not = folders.filter(folder => folder !== own && !may.includes(folder));
  return {
    files: [path.endsWith('.ts') ? path : `${path}/**/*.ts`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            ...(may.includes('runtime/docker') || own === 'runtime/docker' ? [] : [dockerode]),
            {
              regex: `^(\\.\\./)+(src/)?(${not.join('|')})/`,
              message: `${path} may import from ${may.join(', ') || 'itself alone'}: see eslint.config.js.`,
            },
          ],
        },
      ],
    },
  };
});

export default tseslint.config(
  { ignores: ['**/dist', '**/cache', 'node_modules'] },
  {
    files: ['{src,compose,chaos,bench,test,scripts,docs/.vitepress}/**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/consistent-type-imports': 'error',
      'max-lines': ['error', { max: 250, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    // What others wrote reaches a terminal only through src/cli/print.ts, which makes it harmless.
    files: ['src/cli/**/*.ts', 'chaos/**/*.ts'],
    ignores: ['src/cli/print.ts'],
    rules: {
      'no-console': 'error',
      'no-restricted-syntax': [
        'error',
        ...['[object.property.name=/^std(out|err)$/]', "[object.name='stream']"].map(of => ({
          selector: `CallExpression > MemberExpression.callee[property.name='write']${of}`,
          message: 'Print through src/cli/print.ts.',
        })),
      ],
    },
  },
  ...importRules,
  {
    files: ['scripts/**/*.mjs'],
    extends: [tseslint.configs.recommended],
    rules: { 'max-lines': ['error', { max: 250, skipBlankLines: true, skipComments: true }] },
  },
  {
    files: ['test/**/*.ts'],
    rules: { 'max-lines': 'off', '@typescript-eslint/no-non-null-assertion': 'off' },
  },
);
