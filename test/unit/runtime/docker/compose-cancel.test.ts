import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Compose } from '../../../../src/runtime/docker/compose.ts';

let bin: string;
beforeEach(() => (bin = mkdtempSync(join(tmpdir(), 'ftctest-bin-'))));
afterEach(() => rmSync(bin, { recursive: true }));

it.skipIf(process.platform === 'win32')(
  'ends the plugin too, where the docker command dies without telling it',
  async () => {
    // The plugin holds a connection, and the docker command's output, for as long as it lives.
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const plugin = join(bin, 'plugin.mjs');
    writeFileSync(plugin, `import { connect } from 'node:net'; connect(${port}, '127.0.0.1');`);
    const docker = join(bin, 'docker');
    const start = `"${process.execPath}" "${plugin}"`;
    writeFileSync(docker, `#!/bin/sh\n[ "$2" = version ] && echo 2.26.1 && exit\n${start} &\nwait\n`);
    chmodSync(docker, 0o755);

    const compose = await Compose.find(
      { url: 'unix:///nowhere', source: 'a test', certificates: null },
      { PATH: bin },
    );
    const stop = new AbortController();
    const project = { name: 'ftctest-cancel', directory: bin, yaml: null, variables: {} };
    const starting = compose.up(project, { signal: stop.signal });
    const [connection] = (await once(server, 'connection')) as [Socket];
    const gone = new Promise(resolve =>
      connection
        .on('error', () => undefined)
        .on('close', resolve)
        .resume(),
    );
    stop.abort();
    await expect(starting).rejects.toMatchObject({ name: 'AbortError' });
    await gone;
    server.close();
  },
);
