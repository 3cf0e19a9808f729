/** Names that the parts of a job know each other by: ports, mounts, users, labels. Each stands here once. */

/** In the master's container. */
export const ports = { control: 7077, http: 8080 } as const;

/** The master's HTTP as the engine names a port. */
export const httpPort = `${ports.http}/tcp`;

/** In the containers of a job. */
export const mounts = {
  checkpoints: '/checkpoints',
  dataset: '/data',
  script: '/job',
  outputs: '/outputs',
} as const;

/** Nobody's on most hosts. The images make it. */
export const userId = 10001;

export const roles = ['master', 'supervisor', 'worker'] as const;
export type Role = (typeof roles)[number];

/** What ftc writes on what it makes. */
export const ftcLabels = {
  job: 'io.ftc.job',
  role: 'io.ftc.role',
  /** Of a volume: which job's it is, and the folder that the job was started from. */
  id: 'io.ftc.id',
  folder: 'io.ftc.folder',
  /** Of runs that try a job out: of which job, and who answers for them. */
  verify: 'io.ftc.verify',
  experiment: 'io.ftc.experiment',
  owner: 'io.ftc.run.owner',
  /** Of a helper that a fault needs: of which project, which fault, and what undoes it. */
  chaos: 'io.ftc.chaos',
  fault: 'io.ftc.chaos.fault',
  record: 'io.ftc.chaos.record',
  /** A container that faults leave alone. */
  exempt: 'io.ftc.chaos.exempt',
} as const;

/** What Compose writes on what it makes. */
export const composeLabels = {
  project: 'com.docker.compose.project',
  service: 'com.docker.compose.service',
  number: 'com.docker.compose.container-number',
  oneOff: 'com.docker.compose.oneoff',
  folder: 'com.docker.compose.project.working_dir',
  files: 'com.docker.compose.project.config_files',
  volume: 'com.docker.compose.volume',
  fingerprint: 'com.docker.compose.config-hash',
} as const;
