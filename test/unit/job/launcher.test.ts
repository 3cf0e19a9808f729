import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { render } from '../../../compose/render.ts';
import { loadJob } from '../../../src/job/load.ts';
import type { JobFlags } from '../../../src/job/sources.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ftctest-launcher-'));
  chmodSync(folder, 0o755);
  writeFileSync(join(folder, 'plain.py'), 'import torch\nimport torch.distributed as dist\n');
  writeFileSync(join(folder, 'ours.py'), 'import ftc\nftc.run(print)\n');
  writeFileSync(join(folder, 'job.yaml'), 'script: ours.py\nlauncher: torchrun\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

const load = (flags: JobFlags = {}, env = {}) => loadJob(flags, env, folder);

describe('the launcher', () => {
  it('is chosen by the script, and said by the rendered project', () => {
    expect(load().job.launcher).toBe('ftc');
    expect(load({ script: 'ours.py' }).job.launcher).toBe('ftc');
    const plain = load({ script: 'plain.py', scale: ['worker=3'] });
    expect(plain.job.launcher).toBe('torchrun');
    const { master, worker } = render(plain).file.services;
    expect(master.environment).toMatchObject({ FTC_LAUNCHER: 'torchrun', FTC_MIN_WORKERS: '3' });
    expect(worker.environment).toMatchObject({ FTC_LAUNCHER: 'torchrun', MAX_RESTARTS: '100' });
  });

  it('torchrun makes the workers one node, with memory in common, unless each is to be one', () => {
    const one = render(load({ script: 'plain.py', scale: ['worker=3'], stopGrace: '90s' })).file;
    expect(one.services.worker).toMatchObject({
      environment: { FTC_NODE: 'machine', FTC_STOP_GRACE: '90' },
      stop_grace_period: '90s',
      tmpfs: [],
    });
    expect(one.services.worker).not.toHaveProperty('shm_size');
    expect(one.services.worker['volumes']).toEqual(
      expect.arrayContaining([
        { type: 'volume', source: 'tmp', target: '/tmp', volume: { nocopy: true } },
        { type: 'volume', source: 'shm', target: '/dev/shm', volume: { nocopy: true } },
      ]),
    );
    expect(one.volumes).toMatchObject({
      tmp: { driver_opts: { type: 'tmpfs', o: 'size=6g,mode=1777,nosuid,nodev' } },
      shm: { driver_opts: { type: 'tmpfs', o: 'size=3g,mode=1777,nosuid,nodev' } },
    });
    for (const flags of [{ script: 'plain.py', node: 'worker' }, { script: 'ours.py' }]) {
      const { services, volumes } = render(load(flags)).file;
      expect(Object.keys(volumes)).toEqual(['checkpoints', 'master', 'worker-key', 'supervisor-key']);
      expect(services.worker).toMatchObject({ shm_size: '1gb', tmpfs: ['/tmp:exec,size=2g'] });
    }
    expect(() => load({ node: 'host' })).toThrow('--node must be "machine" or "worker"');
  });

  it('torchrun lets every worker of a node see all GPUs, so that cuda:LOCAL_RANK is its own', () => {
    writeFileSync(join(folder, 'gpus.yaml'), 'script: plain.py\nresources: { gpus: 1 }\n');
    const asked = (flags: JobFlags): unknown =>
      render(load({ file: 'gpus.yaml', ...flags })).file.services.worker['deploy'];
    const devices = (count: unknown) => ({
      resources: { reservations: { devices: [expect.objectContaining({ count })] } },
    });
    expect(asked({})).toEqual(devices('all'));
    expect(asked({ node: 'worker' })).toEqual(devices(1));
  });

  it('is whatever is asked for', () => {
    expect(load({ script: 'plain.py', launcher: 'ftc' }).job.launcher).toBe('ftc');
    expect(load({ file: 'job.yaml' }).job.launcher).toBe('torchrun');
    expect(load({ file: 'job.yaml' }, { FTC_LAUNCHER: 'auto' }).job.launcher).toBe('ftc');
    expect(() => load({ launcher: 'mpirun' })).toThrow('--launcher must be "auto", "ftc" or "torchrun"');
  });

  it('torchrun needs all workers, unless fewer are said to do', () => {
    const least = (flags: JobFlags) => load({ script: 'plain.py', ...flags }).job.recovery.minWorkers;
    expect(least({ scale: ['worker=5'] })).toBe(5);
    expect(least({ scale: ['worker=5'], minWorkers: '2' })).toBe(2);
    expect(least({ scale: ['worker=5'], launcher: 'ftc' })).toBe(1);
  });

  it('torchrun knows no virtual ranks', () => {
    expect(load({ script: 'plain.py', scale: ['worker=20'] }).job.workers).toBe(20);
    expect(() => load({ script: 'ours.py', scale: ['worker=20'] })).toThrow('virtualRanks');
  });
});
