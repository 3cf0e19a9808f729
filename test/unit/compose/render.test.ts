import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Place } from '../../../compose/place.ts';
import { composeFile, toYaml, type ComposeFile } from '../../../compose/render.ts';
import type { Job } from '../../../src/job/job.ts';
import { resolveJob } from '../../../src/job/resolve.ts';
import type { JobFile } from '../../../src/job/schema.ts';
import { runJob } from '../../../src/trial/project.ts';

const place: Place = {
  projectDir: '/home/me/job',
  packageRoot: '/opt/ftc',
  version: '1.2.3',
  user: '10001:10001',
};
const job = (said: JobFile = {}): Job => resolveJob([said], null);
const file = (said: JobFile = {}, where: Partial<Place> = {}): ComposeFile =>
  composeFile(job(said), { ...place, ...where });
/** What Compose reads. */
const read = (said: JobFile = {}, where: Partial<Place> = {}) =>
  parse(toYaml(file(said, where)), { version: '1.1' }) as ComposeFile;

describe('a rendered project', () => {
  it('gives the socket to the supervisor alone, and the port to the master alone', () => {
    const { master, worker, supervisor } = read().services;
    expect(JSON.stringify([master, worker])).not.toContain('docker.sock');
    expect(supervisor.volumes).toEqual([
      '${FTC_DOCKER_SOCKET:-/var/run/docker.sock}:/var/run/docker.sock',
      'supervisor-key:/run/ftc:ro',
    ]);
    expect(master.ports).toEqual(['127.0.0.1:${FTC_PORT:-7070}:8080']);
    expect(worker.ports ?? supervisor.ports).toBeUndefined();
  });

  it('grants nobody more than he needs', () => {
    for (const service of Object.values(read().services))
      expect(service).toMatchObject({
        cap_drop: ['ALL'],
        read_only: true,
        init: true,
        security_opt: ['no-new-privileges:true'],
        user: expect.stringMatching(/^\d+:\d+$/) as string,
      });
    const { master, worker, supervisor } = read().services;
    expect([master.user, worker.user, supervisor.user]).toEqual(['10001:10001', '10001:10001', '0:0']);
    expect([master.cap_add, worker.cap_add, supervisor.cap_add]).toEqual([
      undefined,
      undefined,
      ['SETUID', 'SETGID'],
    ]);
  });

  it('leaves the restarting of workers to the supervisor, and stops it before them', () => {
    const { master, worker, supervisor } = read().services;
    expect([master.restart, worker.restart, supervisor.restart]).toEqual([
      'unless-stopped',
      'no',
      'unless-stopped',
    ]);
    expect(supervisor.depends_on).toEqual(['master', 'worker']);
  });

  it("gives each role what makes it a member, and the master's own place to nobody else", () => {
    const { services } = read();
    const mounts = ({ volumes }: { readonly volumes?: readonly unknown[] }): string[] =>
      (volumes ?? []).filter((one): one is string => typeof one === 'string');
    const having = (volume: string): string[] =>
      Object.entries(services)
        .filter(([, service]) => mounts(service).some(one => one.startsWith(`${volume}:`)))
        .map(([role]) => role);
    expect([having('master'), having('worker-key'), having('supervisor-key')]).toEqual([
      ['master'],
      ['master', 'worker'],
      ['master', 'supervisor'],
    ]);
  });

  it('labels what is the job', () => {
    const { services, volumes, networks } = read({ name: 'mine' });
    for (const [role, { labels }] of Object.entries(services))
      expect(labels).toEqual({ 'io.ftc.job': 'mine', 'io.ftc.role': role });
    expect([volumes.checkpoints, networks.default]).toEqual(
      Array(2).fill({ labels: { 'io.ftc.job': 'mine' } }),
    );
  });

  it('tells workers where checkpoints may come from others', () => {
    const origin = (said: JobFile): unknown =>
      (read(said).services.worker.environment as Record<string, unknown>).FTC_CHECKPOINT_ORIGIN;
    expect(origin({})).toBeUndefined();
    expect(origin({ checkpoint: { dir: '/data/runs' } })).toBe('outside');
    expect(origin({ checkpoint: { s3: { bucket: 'bucket' } } })).toBe('outside');
  });

  it('does not wait for names of addresses that the engine never tells', () => {
    const options = (said: JobFile): unknown =>
      (read(said).services.worker.environment as Record<string, unknown>).RES_OPTIONS;
    expect(options({ name: 'a'.repeat(53) })).toBeUndefined();
    expect(options({ name: 'a'.repeat(54), workers: 3 })).toBeDefined();
    expect(options({ name: 'a'.repeat(63) })).toBeDefined();
  });

  it('makes as many worker containers as there are workers and standbys', () => {
    expect(read({ workers: 4, standbys: 2 }).services.worker.scale).toBe(6);
  });

  it('mounts a script of the user and a dataset, read-only, and nothing for a built-in', () => {
    expect(read().services.worker.volumes).toEqual(['checkpoints:/checkpoints', 'worker-key:/run/ftc:ro']);
    const { worker } = read({ script: '/home/me/job/src/train.py', dataset: '/mnt/data' }).services;
    expect(worker.volumes).toEqual([
      'checkpoints:/checkpoints',
      'worker-key:/run/ftc:ro',
      { type: 'bind', source: './src', target: '/job', read_only: true, bind: { create_host_path: false } },
      {
        type: 'bind',
        source: '/mnt/data',
        target: '/data',
        read_only: true,
        bind: { create_host_path: false },
      },
    ]);
    expect(worker.environment).toMatchObject({ FTC_SCRIPT: '/job/train.py' });
  });

  it('puts checkpoints where the job says, as the owner of that place', () => {
    const where = { user: '1000:1000' };
    const { services, volumes } = read({ checkpoint: { dir: '/mnt/ckpt' } }, where);
    expect(Object.keys(volumes)).toEqual(['master', 'worker-key', 'supervisor-key']);
    for (const service of [services.master, services.worker]) {
      expect(service.user).toBe('1000:1000');
      expect(service.volumes).toContainEqual({ type: 'bind', source: '/mnt/ckpt', target: '/checkpoints' });
    }
  });

  it('limits what a worker takes', () => {
    expect(read({ resources: { cpus: 1.5, memory: '2g', gpus: 2 } }).services.worker).toMatchObject({
      cpus: 1.5,
      mem_limit: '2g',
      memswap_limit: '2g',
      environment: { FTC_BACKEND: 'nccl' },
      deploy: {
        resources: { reservations: { devices: [{ driver: 'nvidia', count: 2, capabilities: ['gpu'] }] } },
      },
    });
  });

  it('gives the workers alone what a script asks for', () => {
    const { worker, master } = read(
      {
        environment: { B: 'a $b', A: null, PYTHONPATH: '/lib' },
        envFile: '/home/me/job/x.env',
        volumes: [{ source: '/mnt/$a', target: '/w', writable: true }],
        outputs: '/home/me/job/out',
        workdir: true,
        shmSize: '2g',
        resources: { pids: 99, tmp: '64m' },
      },
      { requirements: 'abcdef0123456789' },
    ).services;
    expect(worker).toMatchObject({
      image: 'ftc-worker:1.2.3-pip-abcdef01',
      build: { target: 'requirements', args: { REQUIREMENTS: 'abcdef0123456789', HTTPS_PROXY: null } },
      env_file: ['./x.env'],
      shm_size: '2g',
      tmpfs: ['/tmp:exec,size=64m'],
      pids_limit: 99,
      environment: {
        A: null,
        B: 'a $$b',
        PYTHONPATH: '/opt/ftc:/lib',
        OUTPUT_DIR: '/outputs',
        FTC_WORKDIR: 'copy',
      },
      volumes: [
        'checkpoints:/checkpoints',
        'worker-key:/run/ftc:ro',
        { type: 'bind', source: '/mnt/$$a', target: '/w', bind: { create_host_path: false } },
        { type: 'bind', source: './out', target: '/outputs', bind: { create_host_path: false } },
      ],
    });
    expect(JSON.stringify(master)).not.toMatch(/x\.env|outputs|PYTHONPATH/);
  });

  it('bounds what every container takes by itself', () => {
    for (const { pids_limit, tmpfs } of Object.values(read().services) as {
      pids_limit?: number;
      tmpfs?: string[];
    }[]) {
      expect(pids_limit).toBeGreaterThan(0);
      expect(tmpfs?.every(place => /size=\d+[mg]$/.test(place))).toBe(true);
    }
    expect(read().services.worker).toMatchObject({ shm_size: '1gb' });
  });

  it('writes the results of a run that only tries a job out nowhere', () => {
    const tried = runJob(job({ outputs: '/home/me/job/out' }), 'x', 1, 0);
    const { worker } = composeFile(tried, place).services;
    expect(worker.tmpfs).toContain('/outputs:size=2g,mode=1777');
    expect(JSON.stringify(worker.volumes)).not.toContain('outputs');
  });

  it('tells the workers what to do about replicas that differ and numbers that are not finite', () => {
    const { worker, master } = read({ recovery: { onDivergence: 'fail' }, onNonFinite: 'skip' }).services;
    expect(worker.environment).toMatchObject({ FTC_ON_DIVERGENCE: 'fail', FTC_ON_NON_FINITE: 'skip' });
    expect(master.environment).not.toHaveProperty('FTC_ON_DIVERGENCE');
    expect(read().services.worker.environment).toMatchObject({
      FTC_ON_DIVERGENCE: 'repair',
      FTC_ON_NON_FINITE: 'fail',
    });
  });

  it('tags an image of another base differently', () => {
    const { worker, master } = read({ base: 'pytorch/pytorch:2.6.0' }).services;
    expect(worker.image).toMatch(/^ftc-worker:1\.2\.3-[0-9a-f]{8}$/);
    expect(worker.build).toMatchObject({ args: { BASE_IMAGE: 'pytorch/pytorch:2.6.0' } });
    expect(master.image).toBe('ftc-control:1.2.3');
    expect(read().services.worker.image).toBe('ftc-worker:1.2.3');
  });

  it.each([
    ['/opt/ftc', '/opt/ftc', '.'],
    ['/opt/ftc', '/opt/ftc/examples/char-gpt', '../..'],
    [
      '/home/me/job/node_modules/fault-tolerant-compose',
      '/home/me/job',
      './node_modules/fault-tolerant-compose',
    ],
  ])('finds %s from %s', (packageRoot, projectDir, context) => {
    expect(read({}, { packageRoot, projectDir }).services.worker.build).toMatchObject({ context });
  });

  it('tells the containers what docs/protocol.md says, as text', () => {
    const { master, worker, supervisor } = read({ steps: 100 }).services;
    expect(worker.environment).toMatchObject({
      FTC_MASTER: 'master:7077',
      FTC_STEPS: '100',
      HEARTBEAT_TIMEOUT: '5',
    });
    expect(worker.environment).not.toHaveProperty('FTC_EPOCHS');
    expect(supervisor.environment).toMatchObject({
      FTC_BACKOFF_INITIAL: '0.5',
      FTC_BACKOFF_MAX: '30',
      MAX_RESTARTS: '100',
    });
    for (const { environment } of [master, worker, supervisor])
      for (const value of Object.values(environment as object)) expect(value).toBeTypeOf('string');
  });
});

const anyJob: fc.Arbitrary<JobFile> = fc.record(
  {
    name: fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,20}$/),
    args: fc.array(fc.string()),
    workers: fc.integer({ min: 1, max: 1000 }),
    seed: fc.nat(),
    steps: fc.integer({ min: 1 }),
    script: fc.constantFrom('builtin:char-gpt', '/home/me/job/$HOME/a b.py', '/x/${Y}.py'),
    dataset: fc.constantFrom(null, '/data/$1', '/home/me/job/ü'),
    base: fc.constantFrom(null, 'a:b', 'c@sha256:0'),
    environment: fc.dictionary(fc.stringMatching(/^[A-Z]{1,3}$/), fc.string()),
  },
  { requiredKeys: [] },
);

it('is the same to the byte for the same job, however that was put together', () => {
  fc.assert(
    fc.property(anyJob, said => {
      const reversed = Object.fromEntries(Object.entries(said).reverse()) as JobFile;
      expect(toYaml(file(reversed))).toBe(toYaml(file(structuredClone(said))));
    }),
  );
});

it('hands every text of the user through Compose unharmed', () => {
  /** Compose's interpolation, on what is left to it: `$$` is `$`, and of variables only ours may be there. */
  const interpolate = (text: string): string =>
    text.replace(
      /\$(\$|\{(FTC_\w+):-([^}]*)\}|)/g,
      (match, what: string, _name: unknown, otherwise: string) => {
        if (match === '$') throw new Error(`a bare $ in ${text}`);
        return what === '$' ? '$' : otherwise;
      },
    );
  fc.assert(
    fc.property(anyJob, said => {
      const { worker } = read(said).services;
      const environment = worker.environment as Record<string, string>;
      expect(JSON.parse(interpolate(environment.FTC_ARGS ?? ''))).toEqual(said.args ?? []);
      for (const value of Object.values(environment)) interpolate(value);
      for (const [name, value] of Object.entries(said.environment ?? {}))
        expect(interpolate(environment[name] ?? '')).toBe(value);
      for (const volume of worker.volumes as (string | { source: string })[]) {
        const source = interpolate(typeof volume === 'string' ? volume : volume.source);
        if (typeof volume !== 'string' && said.dataset?.startsWith('/data'))
          expect(source).not.toContain('$$');
      }
    }),
  );
});
