/** A store that is odd in several ways at once, with a certificate of its own; and a script that looks for what logs in there. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { selfSigned } from '../fakes/certificate.ts';
import { answersHeadLate, forgetsMetadata, lacksUploads, refusesChecksums } from '../fakes/odd-s3.ts';
import { FakeS3 } from '../fakes/s3-server.ts';
import type { JobEvent } from '../../src/api/event.ts';
import type { Status } from '../../src/api/status.ts';
import { docker, type Ended, TestJob } from './harness.ts';
import { smallImage } from './small-image.ts';

const PRYING = join(import.meta.dirname, 'jobs/prying.py');
const ROOT = resolve(import.meta.dirname, '../..');
/** What the script must not see; jobs/prying.py looks for it. */
const CANARY = 'hunter2canary';
const keys = `[default]\naws_access_key_id = AKIA${CANARY}\naws_secret_access_key = ${CANARY}\n`;

let job: TestJob;
let server: FakeS3;
let secrets: string;
let first: Ended;
let said = '';
let second: Ended;
let events: JobEvent[];

beforeAll(async () => {
  const { stdout } = await docker(
    'network',
    'inspect',
    'bridge',
    '--format',
    '{{range .IPAM.Config}}{{.Gateway}}{{end}}',
  );
  const host = stdout.trim() === '' ? '172.17.0.1' : stdout.trim();
  secrets = mkdtempSync(join(tmpdir(), 'ftctest-tls-'));
  server = new FakeS3(host);
  server.tls = selfSigned(secrets, host);
  const oddities = [
    refusesChecksums,
    lacksUploads(501, 'NotImplemented'),
    answersHeadLate(300, 403, 'AccessDenied'),
  ];
  const faults = oddities.map(make => {
    make(server);
    return server.fault;
  });
  server.fault = (...asked) => faults.map(fault => fault(...asked)).find(fault => fault !== undefined);
  forgetsMetadata(server);
  await server.start();

  const file = (steps: number) => `
script: train.py
steps: ${steps}
workers: 2
virtualRanks: 2
checkpoint:
  every: 10
  s3: { bucket: runs, endpoint: "${server.endpoint}", credentials: keys, caBundle: cert.pem }
`;
  job = await TestJob.create('s3-odd', file(20));
  job.write('train.py', readFileSync(PRYING, 'utf8'));
  job.write('cert.pem', server.tls.cert);
  job.write('keys', keys);
  job.write('.env', `AWS_SECRET_ACCESS_KEY=${CANARY}\n`);
  mkdirSync(join(job.folder, 'conf'));
  job.write('conf/.env.local', `PASSWORD=${CANARY}\n`);
  first = await job.ftc('up', '--json');
  expect(first.code, first.stderr).toBe(0);
  said = (await job.ftc('logs', '--raw', 'worker')).stdout;
  while (!server.keys().includes(`${job.name}/step-00000020/manifest.json`)) await sleep(100);
  await job.ftc('down', '--volumes');
  job.write('ftc.yaml', file(30));
  second = await job.ftc('up', '--json');
  events = await job.events();
}, 300_000);
afterAll(async () => {
  await job.close();
  await server.stop();
  rmSync(secrets, { recursive: true });
});

it('copies to it, and restores from it, and training notices nothing', () => {
  expect([first.code, second.code], first.stderr + second.stderr).toEqual([0, 0]);
  expect(events.map(e => e.fact)).toContainEqual(expect.objectContaining({ what: 's3-restored', step: 20 }));
  expect(JSON.parse(second.stdout) as Status).toMatchObject({ state: 'succeeded', step: 30 });
  expect(events.filter(e => e.kind === 's3' && e.level !== 'info')).toEqual([]);
  const puts = server.requests.filter(r => r.startsWith('PUT'));
  expect(puts).toHaveLength(new Set(puts).size);
});

it('a script does not find what logs in there, and cannot change what covers it', () => {
  expect(said.match(/found: .*/g)).toEqual(['found: []', 'found: []']);
  expect(said.match(/empty: .*/g)).toContain("empty: [b'', b'', b'']");
  expect(said).toMatch(/notes: \[\] (EACCES|EROFS) (EROFS|EBUSY|EACCES)/);
  expect(said + first.stderr + second.stderr).not.toContain(CANARY);
});

it('nothing of whoever builds the images gets into them', async () => {
  const context = mkdtempSync(join(tmpdir(), 'ftctest-context-'));
  const image = `${job.name}-context`;
  try {
    cpSync(join(ROOT, '.dockerignore'), join(context, '.dockerignore'));
    for (const folder of ['examples/s3/.ftc', 'examples/s3/.aws', 'src', 'images/worker', 'dist'])
      mkdirSync(join(context, folder), { recursive: true });
    const planted = [
      'examples/s3/credentials',
      'examples/s3/keys',
      'examples/s3/.env',
      'examples/s3/.ftc/x.py',
    ].concat([
      'examples/s3/.aws/credentials',
      'examples/.env',
      'src/.env',
      'images/worker/.env.local',
      '.env',
      'dist/.env',
    ]);
    for (const path of [...planted, 'examples/s3/train.py']) writeFileSync(join(context, path), CANARY);
    const base = await smallImage(job.connection.docker);
    await execa('docker', ['build', '--quiet', '--tag', image, '--file', '-', context], {
      input: `FROM ${base}\nCOPY . /context\n`,
    });
    const { stdout } = await docker(
      'run',
      '--rm',
      '--network',
      'none',
      image,
      'find',
      '/context',
      '-type',
      'f',
    );
    expect(stdout.trim()).toBe('/context/examples/s3/train.py');
  } finally {
    await docker('rmi', '--force', image);
    rmSync(context, { recursive: true });
  }
});
