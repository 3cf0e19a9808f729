import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Compose } from '../../../../src/runtime/docker/compose.ts';

let bin: string;
beforeEach(() => (bin = mkdtempSync(join(tmpdir(), 'ftctest-bin-'))));
afterEach(() => rmSync(bin, { recursive: true }));

it.skipIf(process.platform === 'win32')(
  'keeps the folder, its .env and COMPOSE_* away from Compose, whatever is asked of it',
  async () => {
    const docker = join(bin, 'docker');
    const record = `{ echo "$@"; /usr/bin/env; /bin/cat; } > "${bin}/seen"`;
    writeFileSync(docker, `#!/bin/sh\n[ "$2" = version ] && echo 2.26.1 && exit\n${record}\n`);
    chmodSync(docker, 0o755);
    const env = {
      PATH: bin,
      KEPT: '1',
      COMPOSE_FILE: 'x.yml',
      COMPOSE_REMOVE_ORPHANS: '1',
      COMPOSE_ENV_FILES: 'y',
    };
    const host = { url: 'unix:///nowhere', source: 'a test', certificates: null };
    const compose = await Compose.find(host, env);
    const project = {
      name: 'exp',
      directory: bin,
      yaml: 'services: {}',
      variables: { COMPOSE_PROFILES: 's3' },
    };
    const seen = (): string => readFileSync(join(bin, 'seen'), 'utf8');

    await compose.up(project);
    expect(seen()).toContain('-p exp');
    expect(seen()).toContain('--env-file /dev/null -f - up');
    expect(seen()).toContain('KEPT=1');
    expect(seen().match(/^COMPOSE_.*$/gm)).toEqual(['COMPOSE_PROFILES=s3']);
    expect(seen()).not.toContain('orphans');

    // Without a rendered file the services' names are enough, and no file of the folder is read.
    await compose.logs({ ...project, yaml: null, variables: {} }, { services: ['worker'] });
    expect(seen()).toContain('--env-file /dev/null -f - logs');
    expect(seen()).toContain('"worker":{"image":"worker"}');
    expect(seen()).not.toMatch(/^COMPOSE_/m);
  },
);
