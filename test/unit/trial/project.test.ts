import { labelled } from '../../../src/runtime/docker/job/labelled.ts';
import { describe, expect, it } from 'vitest';
import { fromText, thisProcess } from '../../../src/shared/process-id.ts';
import { render } from '../../../compose/render.ts';
import { resolveJob } from '../../../src/job/resolve.ts';
import { experiment, ownLabels, runJob, runName, verification } from '../../../src/trial/project.ts';
import { shapes } from '../../../src/verify/verify.ts';

const job = resolveJob(
  [
    {
      name: 'mine',
      workers: 3,
      port: 7070,
      checkpoint: { dir: '/home/me/run' },
      recovery: { minWorkers: 3 },
    },
  ],
  null,
);

describe('the project of a run', () => {
  it('shares neither name, port nor checkpoints with the job', () => {
    const other = runJob(job, runName(verification, job.name, 2), 2, 1);
    expect(other).toMatchObject({ name: 'mine-verify-2', workers: 2, standbys: 1, port: 0, seed: job.seed });
    expect(other.checkpoint).toEqual({ ...job.checkpoint, dir: null });
    expect(other.recovery.minWorkers).toBe(2);
  });

  it('has a valid name, however long the job has', () => {
    expect(runName(verification, 'x'.repeat(63), 12)).toMatch(/^x{53}-verify-12$/);
    expect(runName(experiment, 'mine', 1)).toBe('mine-chaos-1');
  });

  it('says on everything that it makes whose it is', () => {
    const run = runJob(job, 'mine-verify-1', 3, 0);
    const { file } = render({ job: run, file: null, projectDir: '/tmp', user: '10001:10001' });
    const { services, volumes, networks } = labelled(file, ownLabels(verification, 'mine'));
    const made = [...Object.values(services), ...Object.values(volumes), ...Object.values(networks)];
    expect(made).toHaveLength(8);
    for (const thing of made) {
      const labels = thing['labels'] as Record<string, string>;
      expect(labels).toMatchObject({ 'io.ftc.job': 'mine-verify-1', 'io.ftc.verify': 'mine' });
      expect(fromText(labels['io.ftc.run.owner'] ?? '')).toEqual(thisProcess());
    }
  });

  it('is undisturbed once, and under faults with a standby for each number of workers', () => {
    expect(shapes([2, 6], 0)).toEqual([
      { workers: 2, standbys: 0, disturbed: false },
      { workers: 2, standbys: 1, disturbed: true },
      { workers: 6, standbys: 1, disturbed: true },
    ]);
    expect(shapes([3], 2)[1]).toMatchObject({ standbys: 2 });
  });
});
