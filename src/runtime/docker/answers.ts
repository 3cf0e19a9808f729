/** The engine's answers, read through the least that we need of them. */
import { type Role, composeLabels, ftcLabels, roles } from '../../shared/names.ts';
import { z } from 'zod';
import { type Container, type ContainerEvent } from './engine.ts';
import { FAVOURED } from './weight.ts';

const AnyRole = z.enum(roles);
const Labels = z.record(z.string(), z.string()).nullish();

export const Summary = z.object({ Id: z.string(), Labels });

const Inspection = z.object({
  Id: z.string(),
  Name: z.string(),
  Config: z.object({ Hostname: z.string(), Image: z.string(), Labels, Tty: z.boolean().nullish() }),
  State: z.object({
    Status: z.enum(['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead']),
    Pid: z.int(),
    ExitCode: z.int(),
    OOMKilled: z.boolean().nullish(),
    StartedAt: z.string(),
    FinishedAt: z.string(),
  }),
  HostConfig: z.object({ NetworkMode: z.string().nullish(), CpuShares: z.int().nullish() }).nullish(),
  NetworkSettings: z
    .object({
      Networks: z.record(z.string(), z.unknown()).nullish(),
      Ports: z.record(z.string(), z.array(z.object({ HostPort: z.string() })).nullable()).nullish(),
    })
    .nullish(),
});

const Event = z.object({
  Type: z.literal('container'),
  Action: z.string(),
  Actor: z.object({ ID: z.string(), Attributes: z.record(z.string(), z.string()).nullish() }),
  time: z.number(),
  timeNano: z.number().optional(),
});

/** A container of ours that Compose made to stay: not the `run` of a moment. */
export function isMember(labels: z.output<typeof Labels>): boolean {
  return AnyRole.safeParse(labels?.[ftcLabels.role]).success && labels?.[composeLabels.oneOff] !== 'True';
}

/** Null for a container that is not ours. */
export function toContainer(answer: unknown): Container | null {
  const { Id, Name, Config, State, HostConfig, NetworkSettings } = Inspection.parse(answer);
  const labels = Config.Labels ?? {};
  const role = AnyRole.safeParse(labels[ftcLabels.role]);
  if (!role.success) return null;
  const runs = State.Status === 'running' || State.Status === 'paused';
  const startedAt = toTime(State.StartedAt);
  const ports = Object.entries(NetworkSettings?.Ports ?? {}).flatMap(([name, bindings]) =>
    bindings?.[0] ? [[name, Number(bindings[0].HostPort)] as const] : [],
  );
  return {
    kind: 'container',
    id: Id,
    hostname: Config.Hostname,
    name: Name.replace(/^\//, ''),
    role: role.data,
    job: labels[ftcLabels.job] ?? '',
    project: labels[composeLabels.project] ?? '',
    number: Number(labels[composeLabels.number] ?? 0),
    image: Config.Image,
    state: State.Status,
    startedAt,
    finishedAt: toTime(State.FinishedAt),
    exitCode: runs || startedAt === null ? null : State.ExitCode,
    oomKilled: State.OOMKilled ?? false,
    pid: State.Pid === 0 ? null : State.Pid,
    attached: networkLost(answer) === null,
    favoured: HostConfig?.CpuShares === FAVOURED,
    cpuShares: HostConfig?.CpuShares ?? 0,
    folder: labels[composeLabels.folder] ?? null,
    labels,
    ports: Object.fromEntries(ports),
  };
}

/** The network that it was made for and is not on any more, and the names that it had there; null where it is. */
export function networkLost(answer: unknown): { network: string; aliases: string[] } | null {
  const { Name, Config, HostConfig, NetworkSettings } = Inspection.parse(answer);
  const network = HostConfig?.NetworkMode ?? 'default';
  const networks = NetworkSettings?.Networks;
  if (!networks || Object.keys(networks).length > 0 || /^(host|none|container:.*)$/.test(network))
    return null;
  const service = Config.Labels?.[composeLabels.service];
  // The default bridge knows no names.
  if (network === 'default' || network === 'bridge') return { network: 'bridge', aliases: [] };
  return { network, aliases: [Name.replace(/^\//, ''), ...(service === undefined ? [] : [service])] };
}

/** Does it write to a terminal, that is: without frames around what it prints? */
export function hasTerminal(answer: unknown): boolean {
  return Inspection.parse(answer).Config.Tty ?? false;
}

/** Null for a line that is none of ours. */
export function toEvent(line: string): ContainerEvent | null {
  const parsed = Event.safeParse(JSON.parse(line));
  if (!parsed.success) return null;
  const { Action, Actor, time, timeNano } = parsed.data;
  const attributes = Actor.Attributes ?? {};
  const role: Role | null = AnyRole.safeParse(attributes[ftcLabels.role]).data ?? null;
  return {
    action: Action,
    id: Actor.ID,
    role,
    at: timeNano === undefined ? time * 1000 : timeNano / 1e6,
    exitCode: attributes.exitCode === undefined ? null : Number(attributes.exitCode),
    signal: attributes.signal ?? null,
  };
}

export function byRoleAndNumber(a: Container, b: Container): number {
  return roles.indexOf(a.role) - roles.indexOf(b.role) || a.number - b.number || (a.id < b.id ? -1 : 1);
}

/** The engine's zero time is the year 1. */
function toTime(text: string): number | null {
  const time = Date.parse(text);
  return time > 0 ? time : null;
}
