import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CHUNK } from '../../../src/checkpoint/hash.ts';
import { Manager } from '../../../src/checkpoint/manager.ts';
import { serveCheckpoints } from '../../../src/checkpoint/routes.ts';
import { writeBeside } from '../../../src/cli/write-beside.ts';
import { CheckpointClient } from '../../../src/client/checkpoint-client.ts';
import { exportState, exportTar, fetchManifest } from '../../../src/client/export-checkpoint.ts';
import { FtcError } from '../../../src/errors.ts';
import { routes } from '../../../src/api/routes.ts';
import { serveSteps } from '../../../src/metrics/route.ts';
import { Folder, manifestOf } from './folder.ts';

const LARGE = Buffer.alloc(5 * CHUNK + 3, 'the state');

let folder: Folder;
let server: Server;
let client: CheckpointClient;
let silent: unknown[];
/** Whether what is in checkpoints is given out. */
let files: boolean;

async function serve(listener: RequestListener): Promise<void> {
  server = createServer(listener).listen(0, '127.0.0.1');
  await new Promise(done => server.once('listening', done));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  silent = [];
  client = new CheckpointClient({
    base,
    silent: cause => {
      silent.push(cause);
      return new FtcError('FTC_MASTER_UNREACHABLE', 'silent');
    },
  });
}

beforeEach(async () => {
  folder = new Folder();
  const policy = { directory: folder.at('a-job'), every: 10, keep: 3, pinEvery: null };
  const manager = new Manager(policy, 'a-job');
  files = true;
  mkdirSync(policy.directory);
  await serve((request, response) => {
    if (request.url?.startsWith(routes.steps.path)) void serveSteps(policy.directory, request, response);
    else void serveCheckpoints(manager, request, response, { files });
  });
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  folder.remove();
});

/** In the job's own folder. */
function write(step: number, state: string | Buffer = `state of ${step}`): string {
  const path = folder.at('a-job', `step-${String(step).padStart(8, '0')}`);
  mkdirSync(path);
  writeFileSync(`${path}/state.pt`, state);
  writeFileSync(`${path}/manifest.json`, JSON.stringify(manifestOf(step, state)));
  return path;
}
function rot(step: number): void {
  const path = folder.at('a-job', `step-${String(step).padStart(8, '0')}`, 'state.pt');
  const data = readFileSync(path);
  data[data.length - 1] = 0;
  writeFileSync(path, data);
}
const steps = () => readdirSync(folder.at('a-job')).map(name => Number(name.replace('step-', '')));

describe('over HTTP', () => {
  it('lists', async () => {
    await expect(client.list()).resolves.toEqual([]);
    write(10);
    await expect(client.list()).resolves.toMatchObject([{ step: 10, state: 'unverified' }]);
  });

  it('verifies all, newest first, telling how far it is, or one', async () => {
    for (const step of [10, 20, 30]) write(step, step === 20 ? LARGE : 'x');
    rot(10);
    const lines = [];
    for await (const line of client.verify(null)) lines.push(line);
    const checked = lines.flatMap(line => (line.type === 'checked' ? [line.row] : []));
    expect(checked.map(row => [row.step, row.state])).toEqual([
      [30, 'valid'],
      [20, 'valid'],
      [10, 'damaged'],
    ]);
    const read = lines.filter(line => line.type === 'read' && line.step === 20);
    expect(read[0]).toMatchObject({ bytes: CHUNK, total: expect.any(Number) as number });
    expect(lines.at(-1)).toEqual({ type: 'end' });
    await expect(client.list()).resolves.toEqual(checked);
    const one = [];
    for await (const line of client.verify(20)) one.push(line.type);
    expect(one.filter(type => type !== 'read')).toEqual(['checked', 'end']);
  });

  it('knows no step that is not there', async () => {
    const missing = expect.objectContaining({ code: 'FTC_NO_CHECKPOINT', exitCode: 5 }) as Error;
    await expect(client.verify(7).next()).rejects.toThrow(missing);
    await expect(client.file(7, 'state.pt')).rejects.toThrow(missing);
    write(10);
    for (const name of ['other.pt', '..', '%2e%2e%2fLATEST']) {
      await expect(client.file(10, name)).rejects.toThrow(FtcError);
    }
  });

  it('gives no file away where it is not to', async () => {
    write(10);
    files = false;
    for (const name of ['state.pt', 'manifest.json'])
      await expect(client.file(10, name)).rejects.toThrow(FtcError);
    await expect(client.list()).resolves.toHaveLength(1);
  });

  it('prunes as it is told, or says what it would do', async () => {
    for (const step of [10, 20, 30, 40, 50]) write(step);
    const dry = await client.prune({ dryRun: true });
    expect([dry.removed.map(r => r.step), dry.kept.map(r => r.step), dry.keep]).toEqual([
      [10, 20],
      [50, 40, 30],
      3,
    ]);
    expect(steps()).toHaveLength(5);
    const wet = await client.prune({ keep: 1, keepEvery: 2, dryRun: false });
    expect(wet).toMatchObject({ dryRun: false, keep: 1, pinEvery: 20 });
    expect(wet.removed.map(r => r.step)).toEqual([10, 30]);
    expect(steps()).toEqual([20, 40, 50]);
    await expect(client.prune({ keep: 0, dryRun: false })).rejects.toThrow(/keep/);
  });

  it('prunes nothing valid for the sake of what turns out to be damaged', async () => {
    for (const step of [10, 20, 30]) write(step);
    rot(30);
    rot(20);
    const { removed, kept } = await client.prune({ keep: 1, dryRun: false });
    expect(removed).toEqual([]);
    expect(kept.map(row => row.state)).toEqual(['damaged', 'damaged', 'valid']);
  });
});

describe('what answers wrongly', () => {
  const closeServer = () => {
    server.closeAllConnections();
    server.close();
  };

  it('by being of another version, is named', async () => {
    closeServer();
    await serve((request, response) => {
      response.statusCode = request.method === 'GET' ? 200 : 404;
      response.end(
        request.method === 'GET' ? '[{"step":1,"complete":true}]' : '{"error":"POST /x is not known here"}',
      );
    });
    for (const ask of [() => client.list(), () => client.prune({ dryRun: true })]) {
      await expect(ask()).rejects.toThrow('a different version of ftc');
    }
  });

  it('by ending early, is no answer', async () => {
    closeServer();
    await serve((_, response) =>
      response.writeHead(200).end('{"type":"read","step":1,"bytes":1,"total":2}\n'),
    );
    const verifying = async () => {
      for await (const line of client.verify(null)) expect(line.type).toBe('read');
    };
    await expect(verifying()).rejects.toThrow('silent');
    expect(silent).toHaveLength(1);
  });
});

describe('an export', () => {
  const o = (step: number) => ({ client, step, onBytes: () => undefined });
  const target = (name: string) => folder.at(name);
  const to = async (name: string, step: number, force = false) => {
    const fetched = await fetchManifest(o(step));
    const write = (sink: Writable) =>
      name.endsWith('.tar') ? exportTar(o(step), fetched, sink) : exportState(o(step), fetched, sink);
    await writeBeside(target(name), { force, signal: new AbortController().signal }, write);
  };

  it('is the state, byte for byte', async () => {
    write(10, LARGE);
    await to('model.pt', 10);
    expect(readFileSync(target('model.pt')).equals(LARGE)).toBe(true);
  });

  it('is a tar with the manifest and every file', async () => {
    const path = write(10, LARGE);
    await to('model.tar', 10);
    const list = execFileSync('tar', ['-tf', target('model.tar')], { encoding: 'utf8' });
    expect(list).toBe('step-00000010/manifest.json\nstep-00000010/state.pt\n');
    execFileSync('tar', ['-xf', target('model.tar'), '-C', folder.path]);
    for (const file of ['manifest.json', 'state.pt']) {
      expect(readFileSync(folder.at('step-00000010', file)).equals(readFileSync(`${path}/${file}`))).toBe(
        true,
      );
    }
  });

  it.each(['model.pt', 'model.tar'])('of a damaged one leaves no %s, and what was there', async name => {
    write(10, LARGE);
    rot(10);
    const damaged = expect.objectContaining({ code: 'FTC_CHECKPOINT_DAMAGED', exitCode: 8 }) as Error;
    await expect(to(name, 10)).rejects.toThrow(damaged);
    expect(readdirSync(folder.path)).toEqual(['a-job']);
    writeFileSync(target(name), 'mine');
    await expect(to(name, 10, true)).rejects.toThrow(damaged);
    expect(readdirSync(folder.path)).toEqual(['a-job', name]);
    expect(readFileSync(target(name), 'utf8')).toBe('mine');
  });

  it('of one that ends early, or has another manifest, is damaged', async () => {
    truncateSync(`${write(10, LARGE)}/state.pt`, CHUNK);
    await expect(to('model.pt', 10)).rejects.toThrow(
      `state.pt has ${CHUNK} bytes instead of ${LARGE.length}`,
    );
    rmSync(`${write(20)}/state.pt`);
    await expect(to('model.pt', 20)).rejects.toThrow('there is no state.pt of step 20');
  });

  it('replaces only where it is told to, and says where it cannot write', async () => {
    write(10);
    writeFileSync(target('model.pt'), 'mine');
    await expect(to('model.pt', 10)).rejects.toMatchObject({ code: 'FTC_FILE_EXISTS' });
    await to('model.pt', 10, true);
    expect(readFileSync(target('model.pt'), 'utf8')).toBe('state of 10');
    await expect(to('none/model.tar', 10)).rejects.toMatchObject({
      code: 'FTC_CANNOT_WRITE',
      message: expect.stringContaining('there is no such directory') as string,
    });
  });

  it('goes no faster than it is taken', async () => {
    write(10, LARGE);
    const fetched = await fetchManifest(o(10));
    let size = 0;
    const slow = new Writable({
      highWaterMark: 1,
      write: (part: Buffer, _, done) => {
        size += part.length;
        setImmediate(done);
      },
    });
    await exportState(o(10), fetched, slow);
    expect(size).toBe(LARGE.length);
  });

  it('replaces a link, and what that leads to stays whole', async () => {
    write(10, LARGE);
    writeFileSync(target('victim'), 'whole');
    symlinkSync(target('victim'), target('model.pt'));
    await to('model.pt', 10, true);
    expect(readFileSync(target('victim'), 'utf8')).toBe('whole');
    expect(readFileSync(target('model.pt')).equals(LARGE)).toBe(true);
  });

  it('that is given up leaves nothing', async () => {
    write(10, LARGE);
    const stop = new AbortController();
    const half = async (sink: Writable) => {
      await pipeline(await client.file(10, 'state.pt'), sink);
      stop.abort();
    };
    const writing = writeBeside(target('model.pt'), { force: false, signal: stop.signal }, half);
    await expect(writing).rejects.toMatchObject({ name: 'AbortError' });
    expect(readdirSync(folder.path)).toEqual(['a-job']);
  });
});

describe('step metrics', () => {
  const line = (step: number): string => `{"step":${step},"epoch":0,"samples":24,"loss":0.5}\n`;
  const steps = async (after: number) => {
    const found = [];
    for await (const lines of client.steps(after)) found.push(...lines.map(({ step }) => step));
    return found;
  };

  it('come in pieces, those above a step', async () => {
    const all = Array.from({ length: 20_000 }, (_, i) => i + 1);
    writeFileSync(folder.at('a-job', 'metrics.jsonl'), all.map(line).join(''));
    await expect(steps(-1)).resolves.toEqual(all);
    await expect(steps(19_990)).resolves.toEqual(all.slice(19_990));
  });

  it('that break off are an error', async () => {
    server.close();
    await serve((_, response) => {
      response.writeHead(200).write(line(1) + line(2), () => response.destroy());
    });
    await expect(steps(-1)).rejects.toThrow('silent');
  });

  it('that an older master does not know are an error that says so', async () => {
    server.close();
    await serve(
      (_, response) => void response.writeHead(404).end('{"error":"GET /metrics/steps is not known here"}'),
    );
    await expect(steps(-1)).rejects.toThrow('a different version of ftc');
  });
});
