import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findCompose } from '../../../../src/runtime/docker/compose-command.ts';

let bin: string;
beforeEach(() => (bin = mkdtempSync(join(tmpdir(), 'ftctest-bin-'))));
afterEach(() => rmSync(bin, { recursive: true }));

function command(name: string, script: string): void {
  writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(bin, name), 0o755);
}
const find = () => findCompose({ PATH: bin });

describe.skipIf(process.platform === 'win32')('finding Compose', () => {
  it("takes the docker command's plugin first", async () => {
    command('docker', '[ "$*" = "compose version --short" ] && echo v2.40.1-desktop.1');
    command('docker-compose', 'echo 2.26.1');
    expect(await find()).toEqual({ file: 'docker', before: ['compose'], version: '2.40.1' });
  });

  it('takes the command of its own where there is no plugin, or an old one', async () => {
    command('docker', `echo "docker: 'compose' is not a docker command" >&2; exit 1`);
    command('docker-compose', 'echo 5.0.2');
    expect(await find()).toEqual({ file: 'docker-compose', before: [], version: '5.0.2' });
  });

  it('refuses version 1', async () => {
    command('docker-compose', 'echo 1.29.2');
    await expect(find()).rejects.toMatchObject({
      code: 'FTC_NO_COMPOSE',
      exitCode: 3,
      message: 'docker-compose is version 1.29.2; ftc needs version 2',
    });
  });

  it('says that there is none', async () => {
    await expect(find()).rejects.toMatchObject({ code: 'FTC_NO_COMPOSE' });
  });
});
