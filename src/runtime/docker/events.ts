/** A project's events, over as many connections as it takes. */
import { composeLabels } from '../../shared/names.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { toEvent } from './answers.ts';
import type { ContainerEvent } from './engine.ts';
import { lines } from './lines.ts';

const firstWaitMs = 100;
const longestWaitMs = 2_000;

/** See `Engine.events`. */
export async function* watchEvents(
  docker: Docker,
  project: string,
  signal: AbortSignal,
): AsyncGenerator<ContainerEvent | 'connected'> {
  /** The newest event that was passed on, so that none is passed on twice. */
  let last = 0;
  let wait = firstWaitMs;
  while (!signal.aborted) {
    try {
      const stream = await docker.getEvents({
        filters: { type: ['container'], label: [`${composeLabels.project}=${project}`] },
        // The engine's clock, and it remembers the newest 256 events; older ones are why we say `connected`.
        ...(last > 0 && { since: Math.floor(last / 1000) }),
        abortSignal: signal,
      } as Docker.GetEventsOptions);
      wait = firstWaitMs;
      yield 'connected';
      const before = last;
      for await (const line of lines(stream)) {
        const event = toEvent(line);
        if (event === null || event.at <= before) continue;
        last = Math.max(last, event.at);
        yield event;
      }
    } catch {
      // The engine is away, or the connection was cut; a reader that left is `signal`'s matter.
    }
    await sleep(wait, undefined, { signal }).catch(() => undefined);
    wait = Math.min(wait * 2, longestWaitMs);
  }
}
