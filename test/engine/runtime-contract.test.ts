import { composeLabels, ftcLabels } from '../../src/shared/names.ts';
import { randomBytes } from 'node:crypto';
import { connect } from '../../src/runtime/docker/connect.ts';
import { DockerRuntime } from '../../src/runtime/docker/runtime.ts';
import { runtimeContract } from '../contracts/runtime-contract.ts';
import { smallImage } from './small-image.ts';

const script = `trap 'exit 143' TERM; echo out; echo err >&2; while :; do sleep 1000 & wait $!; done`;

runtimeContract('Docker', async () => {
  const connection = await connect();
  const { engine, docker } = connection;
  const Image = await smallImage(docker);
  const name = `ftctest-runtime-${randomBytes(4).toString('hex')}`;
  return {
    runtime: new DockerRuntime(connection),
    name,
    favours: true,
    async create(role, number) {
      const container = await docker.createContainer({
        Image,
        Cmd: ['sh', '-c', script],
        Labels: {
          [composeLabels.project]: name,
          [composeLabels.number]: String(number),
          [ftcLabels.job]: name,
          [ftcLabels.role]: role,
        },
      });
      return container.id;
    },
    async close() {
      for (const { id } of await engine.list(name)) await engine.remove(id);
    },
  };
});
