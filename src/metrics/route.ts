/** The step metrics over HTTP: a line of JSON for each step, as they are read. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { visibleJson } from '../shared/visible.ts';
import { routes } from '../api/routes.ts';
import { METRICS } from '../api/step-line.ts';
import { readSteps } from './steps.ts';

/** @param directory the job's own in the volume */
export async function serveSteps(
  directory: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { searchParams } = new URL(request.url ?? '/', 'http://ftc');
  const query = routes.steps.query.safeParse(Object.fromEntries(searchParams));
  if (request.method !== 'GET')
    return refuse(response, 404, `${request.method} ${routes.steps.path} is not known here`);
  if (!query.success) return refuse(response, 400, z.prettifyError(query.error));
  const texts = Readable.from(textsOf(join(directory, METRICS), query.data.after));
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  // A reader that goes away is its own business; a file that cannot be read leaves the answer torn, which the reader sees.
  await pipeline(texts, response).catch(() => response.destroy());
}

async function* textsOf(path: string, after: number): AsyncGenerator<string> {
  for await (const lines of readSteps(path, after)) {
    yield lines.map(line => `${visibleJson(line)}\n`).join('');
  }
}

function refuse(response: ServerResponse, code: number, error: string): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(`${visibleJson({ error })}\n`);
}
