/** An engine without a subnet for one more network: on an engine of its own, as taking the machine's would be felt by others. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { dockerAt, TestJob, TINY } from './harness.ts';
import { OwnEngine, whyNone } from './own-engine/own-engine.ts';

const why = await whyNone();
if (why !== null) console.warn(`left out: an engine runs out of subnets. ${why}`);

describe.skipIf(why !== null)('without a subnet', () => {
  let engine: OwnEngine;
  let job: TestJob;
  beforeAll(async () => {
    // Two of these: the engine's own bridge takes one.
    engine = await OwnEngine.start('--default-address-pool', 'base=10.199.0.0/25,size=26');
    job = await TestJob.create('pools', 'script: train.py\nworkers: 1\nsteps: 5\n', engine);
    job.write('train.py', readFileSync(TINY, 'utf8'));
    return async () => {
      await job.close();
      await engine.close();
    };
  });

  it('nothing is made, and the way on is told and leads on', async () => {
    const { stderr, code } = await dockerAt(engine.env, 'network', 'create', 'a-neighbour');
    expect(code, stderr).toBe(0);
    const refused = await job.ftc('up');
    expect(refused.code, refused.stderr).toBe(3);
    expect(refused.stderr).toContain('no subnet left');
    expect(refused.stderr).toContain('docker network prune');
    const lists = [
      ['ps', '--all'],
      ['volume', 'ls'],
      ['network', 'ls', '--filter', 'type=custom'],
    ];
    const found = await Promise.all(
      lists.map(list => dockerAt(engine.env, ...list, '--format', '{{json .}}')),
    );
    expect(found.map(({ stdout }) => stdout)).toEqual(['', '', expect.stringMatching(/^.*a-neighbour.*$/)]);

    await dockerAt(engine.env, 'network', 'rm', 'a-neighbour');
    const again = await job.ftc('up');
    expect(again.code, again.stderr).toBe(0);
  });
});
