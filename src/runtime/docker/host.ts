/** Where an engine may be, in the order in which to look. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { currentContext } from './context.ts';

export interface EngineHost {
  /** As in DOCKER_HOST: `unix:///…`, `npipe://…`, `tcp://…`, `ssh://…`. */
  readonly url: string;
  /** For people: `DOCKER_HOST`, `the docker context "x"`, … */
  readonly source: string;
  /** A folder with ca.pem, cert.pem and key.pem; null without TLS. */
  readonly certificates: string | null;
}

export type Env = Readonly<Record<string, string | undefined>>;
type Strategy = (env: Env) => EngineHost[];

const sockets = (source: string, paths: readonly string[]): EngineHost[] =>
  paths.map(path => ({ url: `unix://${path}`, source, certificates: null }));

/** What a person chose. Nothing else is tried then: it would be another machine's containers. */
const chosen: readonly Strategy[] = [
  env =>
    env.DOCKER_HOST === undefined || env.DOCKER_HOST === ''
      ? []
      : [{ url: withScheme(env.DOCKER_HOST), source: 'DOCKER_HOST', certificates: tlsFolder(env) }],
  env => {
    const context = currentContext(env);
    return context === null
      ? []
      : [
          {
            url: context.url,
            source: `the docker context "${context.name}"`,
            certificates: context.certificates,
          },
        ];
  },
];

const usual: readonly Strategy[] = [
  () =>
    process.platform === 'win32'
      ? [{ url: 'npipe:////./pipe/docker_engine', source: 'the default pipe', certificates: null }]
      : sockets('the default socket', ['/var/run/docker.sock']),
  env => sockets('rootless Docker', env.XDG_RUNTIME_DIR ? [join(env.XDG_RUNTIME_DIR, 'docker.sock')] : []),
  env => {
    const home = env.HOME ?? homedir();
    const paths = ['.docker/run/docker.sock', '.docker/desktop/docker.sock'].map(path => join(home, path));
    return sockets(
      'Docker Desktop',
      paths.filter(path => existsSync(path)),
    );
  },
];

export function engineHosts(env: Env): EngineHost[] {
  for (const strategy of chosen) {
    const hosts = strategy(env);
    if (hosts.length > 0) return hosts;
  }
  return usual.flatMap(strategy => strategy(env));
}

/** The variables that make the docker command, and so Compose, talk to the same engine. */
export function hostEnvironment({ url, certificates }: EngineHost): Record<string, string | undefined> {
  return {
    DOCKER_HOST: url,
    DOCKER_CONTEXT: undefined,
    DOCKER_TLS_VERIFY: certificates === null ? undefined : '1',
    DOCKER_CERT_PATH: certificates ?? undefined,
  };
}

/** The docker command takes `host:2375` too. */
function withScheme(host: string): string {
  return host.includes('://') ? host : `tcp://${host}`;
}

function tlsFolder(env: Env): string | null {
  if (!env.DOCKER_TLS_VERIFY) return null;
  return env.DOCKER_CERT_PATH ?? join(env.HOME ?? homedir(), '.docker');
}
