/** Answers the routes of src/api/routes.ts that are about checkpoints. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import type { Manager } from './manager.ts';
import { visibleJson } from '../shared/visible.ts';
import type { VerifyLine } from '../api/checkpoint-answers.ts';
import { noCheckpoint } from '../api/checkpoint-row.ts';
import { at, routes } from '../api/routes.ts';

/** How often it is told how far verifying has come. */
const TELL_MS = 250;

/** Answers what is about checkpoints. With `files`, what is in them too: not on a port that every user of the machine can reach. */
export async function serveCheckpoints(
  manager: Manager,
  request: IncomingMessage,
  response: ServerResponse,
  { files }: { readonly files: boolean },
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://ftc');
  const query = Object.fromEntries(searchParams);
  const route = `${request.method ?? 'GET'} ${pathname}`;
  const [, step, file] = /^GET \/checkpoints\/(\d+)\/([^/]+)$/.exec(route) ?? [];
  try {
    if (route === at(routes.checkpoints)) return json(response, 200, await manager.list());
    if (route === at(routes.verify)) {
      const { step: only } = routes.verify.query.parse(query);
      return await alone(manager, response, () => verify(manager, only, response));
    }
    if (route === at(routes.prune)) {
      const { keep, keepEvery, dryRun } = routes.prune.query.parse(query);
      return await alone(manager, response, async () => {
        const pruned = await manager.prune({ keep, keepEvery, dryRun: dryRun !== undefined, sure: true });
        json(response, 200, pruned);
      });
    }
    if (files && step !== undefined && file !== undefined)
      return await send(manager, Number(step), file, response);
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    return json(response, 400, { error: z.prettifyError(error) });
  }
  json(response, 404, { error: `${route} is not known here` });
}

const reading = new WeakSet<Manager>();

/** Runs what reads whole checkpoints, unless that is under way: together they would take the disk from who trains. */
async function alone(manager: Manager, response: ServerResponse, run: () => Promise<void>): Promise<void> {
  if (reading.has(manager)) {
    response.setHeader('retry-after', '5');
    return json(response, 429, { error: 'the checkpoints are being verified or pruned already' });
  }
  reading.add(manager);
  try {
    await run();
  } finally {
    reading.delete(manager);
  }
}

async function verify(manager: Manager, only: number | undefined, response: ServerResponse): Promise<void> {
  const rows = (await manager.list()).filter(row => row.state !== 'aside');
  const wanted = rows.filter(row => only === undefined || row.step === only);
  if (wanted.length === 0 && only !== undefined) {
    return json(response, 404, { error: `there is no checkpoint of step ${only}`, code: noCheckpoint });
  }
  const stop = new AbortController();
  response.on('close', () => stop.abort());
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  const tell = (line: VerifyLine): void => void response.write(`${visibleJson(line)}\n`);
  try {
    for (const { step, bytes: total } of wanted) {
      let [bytes, toldAt] = [0, -Infinity];
      const onRead = (more: number): void => {
        bytes += more;
        if (performance.now() - toldAt < TELL_MS) return;
        toldAt = performance.now();
        tell({ type: 'read', step, bytes, total });
      };
      const row = await manager.verify(step, { signal: stop.signal, onRead });
      // One that was pruned meanwhile is nobody's any more.
      if (row !== null) tell({ type: 'checked', row });
    }
    tell({ type: 'end' });
  } catch (error) {
    if (!stop.signal.aborted) tell({ type: 'error', error: String(error) });
  }
  response.end();
}

async function send(manager: Manager, step: number, file: string, response: ServerResponse): Promise<void> {
  const found = await manager.open(step, file);
  if (found === null)
    return json(response, 404, { error: `there is no ${file} of step ${step}`, code: noCheckpoint });
  const { bytes, stream } = found;
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes });
  // A reader that goes away is its own business; a file that ends early leaves the answer torn, which the reader sees.
  await pipeline(stream, response).catch(() => response.destroy());
}

function json(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(`${visibleJson(body)}\n`);
}
