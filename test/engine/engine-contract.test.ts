import { composeLabels, ftcLabels } from '../../src/shared/names.ts';
import { randomBytes } from 'node:crypto';
import { connect } from '../../src/runtime/docker/connect.ts';
import { engineContract } from '../contracts/engine-contract.ts';
import { smallImage } from './small-image.ts';

const script = `trap 'exit 143' TERM; echo out; echo err >&2; while :; do sleep 1000 & wait $!; done`;

engineContract('Docker', async () => {
  const { engine, docker } = await connect();
  const Image = await smallImage(docker);
  const project = `ftctest-contract-${randomBytes(4).toString('hex')}`;
  return {
    engine,
    project,
    async create(role, number) {
      const container = await docker.createContainer({
        Image,
        Cmd: ['sh', '-c', script],
        Labels: {
          [composeLabels.project]: project,
          'com.docker.compose.container-number': String(number),
          [ftcLabels.job]: project,
          [ftcLabels.role]: role,
        },
      });
      return container.id;
    },
    async cutOff(id) {
      await docker.getNetwork('bridge').disconnect({ Container: id });
    },
    async close() {
      for (const { id } of await engine.list(project)) await engine.remove(id);
    },
  };
});
