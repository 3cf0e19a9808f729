import { pino } from 'pino';
import { expect, it } from 'vitest';
import { Copies } from '../../../../src/master/s3/copies.ts';
import type { LocalStep } from '../../../../src/master/s3/volume.ts';

const local = (step: number): LocalStep =>
  ({ step, bytes: 1, text: Buffer.from(String(step)), manifest: { digest: '' } }) as unknown as LocalStep;

it('know what was seen last of the volume, whichever look ends last', async () => {
  const looks: ((steps: LocalStep[]) => void)[] = [];
  const tell = () => undefined;
  const options = { job: 'j', directory: '/', keep: 3, pinEvery: null, log: pino(), tell };
  const copies = new Copies(options, () => new Promise(resolve => looks.push(resolve)));
  const older = copies.look();
  const newer = copies.look();
  looks[1]?.([local(20), local(10)]);
  await newer;
  looks[0]?.([local(10)]);
  await older;
  expect(copies.status().backlogSteps).toBe(2);
});
