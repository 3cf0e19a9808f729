import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { client } from '../../../../src/runtime/docker/client.ts';
import { watchEvents } from '../../../../src/runtime/docker/events.ts';
import { FakeDaemon } from '../../../fakes/fake-daemon.ts';

const event = (id: string, action: string, ms: number, attributes: object = {}): string =>
  `${JSON.stringify({
    Type: 'container',
    Action: action,
    Actor: { ID: id, Attributes: { 'io.ftc.role': 'worker', ...attributes } },
    time: Math.floor(ms / 1000),
    timeNano: ms * 1e6,
  })}\n`;

describe("a project's events", () => {
  let daemon: FakeDaemon;
  let connections: ServerResponse[];
  let arrived: (() => void) | null;
  let stop: AbortController;
  let events: AsyncGenerator;

  beforeEach(async () => {
    connections = [];
    daemon = await FakeDaemon.listen((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.flushHeaders();
      connections.push(response);
      arrived?.();
    });
    stop = new AbortController();
    const docker = client({ url: `unix://${daemon.socket}`, source: 'a test', certificates: null });
    events = watchEvents(docker, 'p', stop.signal);
  });
  afterEach(async () => {
    stop.abort();
    await events.return(undefined);
    daemon.close();
  });

  const next = async (): Promise<unknown> => (await events.next()).value;
  const connection = async (number: number): Promise<ServerResponse> => {
    while (connections.length < number) await new Promise<void>(resolve => (arrived = resolve));
    return connections[number - 1]!;
  };

  it('arrive whole, though a chunk is no event', async () => {
    expect(await next()).toBe('connected');
    const daemonSide = await connection(1);
    const text = event('a', 'start', 1000) + event('b', 'die', 2000, { exitCode: '137' });
    daemonSide.write(text.slice(0, 30));
    daemonSide.write(text.slice(30));
    daemonSide.write('{"Type":"network","Action":"connect"}\n');
    expect(await next()).toEqual({
      action: 'start',
      id: 'a',
      role: 'worker',
      at: 1000,
      exitCode: null,
      signal: null,
    });
    expect(await next()).toEqual({
      action: 'die',
      id: 'b',
      role: 'worker',
      at: 2000,
      exitCode: 137,
      signal: null,
    });
    expect(daemon.requests[0]).toContain('"label":["com.docker.compose.project=p"]');
  });

  it('go on after the line was cut, from where they were, each once', async () => {
    expect(await next()).toBe('connected');
    const first = await connection(1);
    first.write(event('a', 'start', 5_250));
    expect(await next()).toMatchObject({ id: 'a' });
    first.destroy();

    expect(await next()).toBe('connected');
    const second = await connection(2);
    expect(daemon.requests[1]).toContain('since=5');
    second.write(event('a', 'start', 5_250) + event('b', 'die', 5_251) + event('c', 'die', 5_251));
    expect(await next()).toMatchObject({ id: 'b' });
    expect(await next()).toMatchObject({ id: 'c' });
  });

  it('survive a line that is no event', async () => {
    expect(await next()).toBe('connected');
    (await connection(1)).write('not json\n');
    expect(await next()).toBe('connected');
  });

  it('end when they are no longer wanted', async () => {
    expect(await next()).toBe('connected');
    const waiting = events.next();
    stop.abort();
    expect(await waiting).toMatchObject({ done: true });
  });
});
