import { expect, it } from 'vitest';
import { refuseOther } from '../../../../../src/runtime/docker/job/as-started.ts';

const project = { name: 'job', directory: '/home/me', yaml: 'services: {}', variables: {} };
const check = (kept: string | null, runs: string | null) =>
  refuseOther(
    { fingerprint: () => Promise.resolve(kept) },
    project,
    {
      name: 'job-worker-1',
      labels: runs === null ? {} : { 'com.docker.compose.config-hash': runs },
    },
    'worker',
  );

it('a project is scaled only where it is the one that runs', async () => {
  await expect(check('aa', 'aa')).resolves.toBeUndefined();
  for (const [kept, runs] of [
    ['aa', 'bb'],
    [null, 'bb'],
    ['aa', null],
    [null, null],
  ] as const)
    await expect(check(kept, runs)).rejects.toMatchObject({ code: 'FTC_NOT_TRUSTED', exitCode: 6 });
});
