/** The hands of a job, on an engine. */
import type { Hands } from '../hands.ts';
import type { Change } from '../replica.ts';
import type { ContainerEvent, Engine } from './engine.ts';
import { uncover } from './uncover.ts';
import { FAVOURED, USUAL } from './weight.ts';

/** @param project the job's Compose project */
export function handsOf(engine: Engine, project: string): Hands {
  return {
    list: () => engine.list(project),
    inspect: id => engine.inspect(id),
    changes: signal => changes(engine, project, signal),
    start: id => engine.start(id),
    kill: (id, signal) => engine.kill(id, signal),
    blueprint: id => engine.blueprint(id),
    create: blueprint => engine.create(blueprint),
    uncover: (id, error) => uncover(engine, id, error),
    favour: (id, on) => engine.weigh(id, on ? FAVOURED : USUAL),
    attach: id => engine.attach(id),
    tail: (id, lines) => engine.tail(id, lines),
  };
}

async function* changes(
  engine: Engine,
  project: string,
  signal: AbortSignal,
): AsyncGenerator<Change | 'relist'> {
  for await (const event of engine.events(project, signal)) {
    const change = event === 'connected' ? 'relist' : changeOf(event);
    if (change !== null) yield change;
  }
}

const TERM: readonly (string | null)[] = ['15', 'SIGTERM', 'TERM'];

/** Null for what changes nothing: a command that somebody runs in the container. Pure. */
export function changeOf({ action, id, at, exitCode, signal }: ContainerEvent): Change | null {
  if (action.startsWith('exec_')) return null;
  return { kind: kindOf(action, signal), id, at, exitCode };
}

function kindOf(action: string, signal: string | null): Change['kind'] {
  if (action === 'start') return 'started';
  if (action === 'kill' && TERM.includes(signal)) return 'asked';
  if (action === 'die') return 'ended';
  return action === 'destroy' ? 'removed' : 'other';
}
