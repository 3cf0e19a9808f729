import { ftcLabels } from '../../src/shared/names.ts';
import { createServer, type AddressInfo } from 'node:net';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { Compose, type ComposeProject } from '../../src/runtime/docker/compose.ts';
import { connect, type Connection } from '../../src/runtime/docker/connect.ts';
import { killJob, removeJob, stopJob } from '../../src/runtime/docker/own.ts';
import { docker } from './harness.ts';
import { smallImage } from './small-image.ts';

describe('Compose on a real engine', () => {
  const name = `ftctest-compose-${randomBytes(4).toString('hex')}`;
  let connection: Connection;
  let compose: Compose;
  let image: string;

  beforeAll(async () => {
    connection = await connect();
    compose = await Compose.find(connection.host);
    image = await smallImage(connection.docker);
  });
  afterEach(() => removeJob(connection.docker, name, { seconds: 0 }));

  const labels = (role: string) => ({ [ftcLabels.job]: name, [ftcLabels.role]: role });
  const service = (role: string, more: object = {}) => ({
    image,
    init: true,
    command: ['sleep', '1000'],
    labels: labels(role),
    ...more,
  });
  const project = (more: { worker?: object; master?: object } = {}, port = '0'): ComposeProject => ({
    name,
    directory: tmpdir(),
    yaml: stringify({
      name,
      services: {
        master: service('master', { ports: ['127.0.0.1:${FTC_PORT:-1}:8080'], ...more.master }),
        worker: service('worker', { depends_on: ['master'], scale: 1, ...more.worker }),
      },
    }),
    variables: { FTC_PORT: port },
  });
  const containers = () => connection.engine.list(name);
  const workers = async () => (await containers()).filter(({ role }) => role === 'worker');

  it('starts, scales, keeps what runs, stops and removes', async () => {
    const lines: string[] = [];
    await compose.up(project(), { workers: 2, onLine: line => lines.push(line) });
    expect(lines.join('\n')).toMatch(/worker-2\s+Started/);
    const first = await workers();
    expect(first.map(({ state, number, project: owner }) => [state, number, owner])).toEqual([
      ['running', 1, name],
      ['running', 2, name],
    ]);
    const [master] = await containers();
    expect(master?.ports['8080/tcp']).toBeGreaterThan(1023);

    await compose.up(project({ worker: { environment: { CHANGED: '1' } } }), { workers: 3, recreate: false });
    const ids = (await workers()).map(({ id }) => id);
    expect(ids.slice(0, 2)).toEqual(first.map(({ id }) => id));
    expect(ids).toHaveLength(3);

    await docker('kill', ...ids);
    await stopJob(connection.docker, name, { seconds: 0 });
    expect((await containers()).map(({ state }) => state)).toEqual(Array(4).fill('exited'));
    await killJob(connection.docker, name);

    await removeJob(connection.docker, name);
    expect(await containers()).toEqual([]);
    await removeJob(connection.docker, name);
  });

  it('recognises a port in use', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise(resolve => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    await expect(compose.up(project({}, String(port)))).rejects.toMatchObject({
      code: 'FTC_PORT_IN_USE',
      message: `port ${port} is in use on this machine`,
    });
    server.close();
  });

  it('recognises an image that cannot be had', async () => {
    const build = { context: '.', dockerfile_inline: 'FROM ftctest.invalid/none:1\n' };
    const bad = { ...project({ worker: { build }, master: { build } }), name };
    await expect(compose.build(bad)).rejects.toMatchObject({ code: 'FTC_NO_BASE_IMAGE' });
  });

  it('shows what Compose says of anything else', async () => {
    const bad = project({ worker: { mem_limit: '1k' } });
    await expect(compose.up(bad)).rejects.toMatchObject({
      code: 'FTC_COMPOSE_FAILED',
      message: expect.stringMatching(/memory/i) as string,
    });
  });

  it('is ended by a signal', async () => {
    const stop = new AbortController();
    const talks = project({ worker: { command: ['sh', '-c', 'echo here; sleep 1000'] } });
    await compose.up(talks);
    const onLine = (line: string) => line.includes('here') && stop.abort();
    const reading = compose.logs(talks, { follow: true, signal: stop.signal, services: ['worker'], onLine });
    await expect(reading).rejects.toMatchObject({ name: 'AbortError' });
    await expect(workers()).resolves.toMatchObject([{ state: 'running' }]);
  });

  it('has nothing to say to an engine that is not there', async () => {
    const away = await Compose.find({ url: 'tcp://127.0.0.1:1', source: 'a test', certificates: null });
    await expect(away.up(project())).rejects.toMatchObject({ code: 'FTC_ENGINE_GONE' });
  });
});
