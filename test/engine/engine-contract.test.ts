import { randomBytes } from 'node:crypto';
import { labelProject } from '../../src/docker/answers.ts';
import { connect } from '../../src/docker/connect.ts';
import { LABEL_JOB, LABEL_ROLE } from '../../src/docker/engine.ts';
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
          [labelProject]: project,
          'com.docker.compose.container-number': String(number),
          [LABEL_JOB]: project,
          [LABEL_ROLE]: role,
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
