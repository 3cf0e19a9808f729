/** `Engine` on a real one. */
import { composeLabels, ftcLabels } from '../../shared/names.ts';
import type Docker from 'dockerode';
import { byRoleAndNumber, hasTerminal, isMember, networkLost, Summary, toContainer } from './answers.ts';
import { toBlueprint } from './blueprint.ts';
import { type Container, type ContainerEvent, type Engine } from './engine.ts';
import type { Blueprint } from '../replica.ts';
import { engineError, reasonOf, statusOf } from './engine-error.ts';
import { watchEvents } from './events.ts';
import { unframe } from './frames.ts';
import { within } from '../../shared/within.ts';

const answerMs = 30_000;

export class DockerEngine implements Engine {
  readonly #docker: Docker;

  constructor(docker: Docker) {
    this.#docker = docker;
  }

  async list(project: string): Promise<Container[]> {
    const filters = { label: [`${composeLabels.project}=${project}`, ftcLabels.role] };
    const found = await ask(this.#docker.listContainers({ all: true, filters }), 'list containers');
    const ids = Summary.array()
      .parse(found)
      .filter(({ Labels }) => isMember(Labels))
      .map(({ Id }) => Id);
    const containers = await Promise.all(ids.map(id => this.inspect(id)));
    return containers.filter(container => container !== null).sort(byRoleAndNumber);
  }

  async inspect(id: string): Promise<Container | null> {
    const answer = await ask(this.#docker.getContainer(id).inspect(), `inspect ${short(id)}`, [404]);
    return answer === null ? null : toContainer(answer);
  }

  async start(id: string): Promise<void> {
    await ask(this.#docker.getContainer(id).start(), `start ${short(id)}`, [304]);
  }

  async kill(id: string, signal = 'SIGKILL'): Promise<void> {
    const container = this.#docker.getContainer(id);
    await ask(container.kill({ signal }), `kill ${short(id)}`, [404, 409]);
    // A frozen process dies when it thaws; engines thaw it by themselves, or should.
    if (signal === 'SIGKILL' && (await this.inspect(id))?.state === 'paused') {
      await this.unpause(id);
      await ask(container.kill({ signal }), `kill ${short(id)}`, [404, 409]);
    }
  }

  async pause(id: string): Promise<void> {
    try {
      await within(answerMs, this.#docker.getContainer(id).pause());
    } catch (error) {
      if (!/already paused/i.test(reasonOf(error))) throw engineError(error, `pause ${short(id)}`);
    }
  }

  async unpause(id: string): Promise<void> {
    try {
      await within(answerMs, this.#docker.getContainer(id).unpause());
    } catch (error) {
      const notPaused = /not paused|not running/i.test(reasonOf(error));
      if (statusOf(error) !== 404 && !notPaused) throw engineError(error, `unpause ${short(id)}`);
    }
  }

  async remove(id: string): Promise<void> {
    // 409: somebody else is already removing it.
    await ask(
      this.#docker.getContainer(id).remove({ force: true, v: true }),
      `remove ${short(id)}`,
      [404, 409],
    );
  }

  async blueprint(id: string): Promise<Blueprint | null> {
    const answer = await ask(this.#docker.getContainer(id).inspect(), `inspect ${short(id)}`, [404]);
    return answer === null ? null : toBlueprint(answer);
  }

  async create({ name, body }: Blueprint): Promise<string> {
    const made = await ask(this.#docker.createContainer({ name, ...body }), `make ${name}`);
    return made.id;
  }

  async weigh(id: string, cpuShares: number): Promise<void> {
    await ask(this.#docker.getContainer(id).update({ CpuShares: cpuShares }), `weigh ${short(id)}`);
  }

  async attach(id: string): Promise<void> {
    const doing = `put ${short(id)} back onto its network`;
    const lost = networkLost(await ask(this.#docker.getContainer(id).inspect(), doing));
    if (lost === null) return;
    const { network, aliases } = lost;
    const endpoint = { Container: id, EndpointConfig: { Aliases: aliases } };
    // 403: it is there already.
    await ask(this.#docker.getNetwork(network).connect(endpoint), doing, [403]);
  }

  events(project: string, signal: AbortSignal): AsyncIterable<ContainerEvent | 'connected'> {
    return watchEvents(this.#docker, project, signal);
  }

  async tail(id: string, lines: number): Promise<string> {
    const container = this.#docker.getContainer(id);
    const doing = `read the log of ${short(id)}`;
    const terminal = hasTerminal(await ask(container.inspect(), doing));
    const log: unknown = await ask(
      container.logs({ stdout: true, stderr: true, tail: lines, follow: false }),
      doing,
    );
    // dockerode hands over parsed JSON where a whole answer happens to be some.
    if (!Buffer.isBuffer(log)) return typeof log === 'string' ? log : JSON.stringify(log);
    return terminal ? log.toString('utf8') : unframe(log);
  }
}

/** The answer; null if its status is one of `benign`. */
async function ask<Answer>(answer: Promise<Answer>, doing: string): Promise<Answer>;
async function ask<Answer>(
  answer: Promise<Answer>,
  doing: string,
  benign: readonly number[],
): Promise<Answer | null>;
async function ask<Answer>(
  answer: Promise<Answer>,
  doing: string,
  benign: readonly number[] = [],
): Promise<Answer | null> {
  try {
    return await within(answerMs, answer);
  } catch (error) {
    if (benign.includes(statusOf(error) ?? 0)) return null;
    throw engineError(error, doing);
  }
}

function short(id: string): string {
  return `container ${id.slice(0, 12)}`;
}
