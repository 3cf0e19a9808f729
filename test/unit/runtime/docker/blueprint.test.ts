import { expect, it } from 'vitest';
import { toBlueprint } from '../../../../src/runtime/docker/blueprint.ts';

const id = 'a1b2c3d4e5f6'.padEnd(64, '0');

it('says all that a person chose, and nothing that the engine chose for the old one', () => {
  const answer = {
    Id: id,
    Name: '/job-worker-2',
    Image: 'sha256:abc',
    Config: {
      Hostname: id.slice(0, 12),
      Image: 'ftc-worker:1',
      Env: ['A=b'],
      Labels: { x: 'y' },
      User: '1:1',
    },
    HostConfig: { NetworkMode: 'job_default', ReadonlyRootfs: true },
    NetworkSettings: {
      Networks: {
        job_default: {
          Aliases: ['job-worker-2', 'worker', id.slice(0, 12)],
          IPAddress: '172.18.0.4',
          IPAMConfig: null,
        },
      },
    },
  };
  expect(toBlueprint(answer)).toEqual({
    name: 'job-worker-2',
    body: {
      Image: 'sha256:abc',
      Env: ['A=b'],
      Labels: { x: 'y' },
      User: '1:1',
      HostConfig: { NetworkMode: 'job_default', ReadonlyRootfs: true },
      NetworkingConfig: { EndpointsConfig: { job_default: { Aliases: ['job-worker-2', 'worker'] } } },
    },
  });
  const named = { ...answer, Config: { ...answer.Config, Hostname: 'mine' } };
  expect(toBlueprint(named).body).toMatchObject({ Hostname: 'mine' });
});
