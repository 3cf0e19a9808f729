import { pino } from 'pino';
import { expect, it, vi } from 'vitest';
import { Copies } from '../../../../src/master/s3/copies.ts';
import type { LocalStep } from '../../../../src/master/s3/volume.ts';

const looks: ((steps: readonly LocalStep[]) => void)[] = [];
vi.mock(import('../../../../src/master/s3/volume.ts'), async original => ({
  ...(await original()),
  localSteps: () => new Promise<LocalStep[]>(resolve => looks.push(steps => resolve([...steps]))),
}));

const local = (step: number): LocalStep =>
  ({ step, bytes: 1, text: Buffer.from(String(step)), manifest: { digest: '' } }) as unknown as LocalStep;

it('know what was seen last of the volume, whichever look ends last', async () => {
  const tell = () => undefined;
  const copies = new Copies({ job: 'j', directory: '/', keep: 3, pinEvery: null, log: pino(), tell });
  const older = copies.look();
  const newer = copies.look();
  looks[1]?.([local(20), local(10)]);
  await newer;
  looks[0]?.([local(10)]);
  await older;
  expect(copies.status().backlogSteps).toBe(2);
});
