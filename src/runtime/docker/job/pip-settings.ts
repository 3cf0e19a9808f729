/** How pip reaches its index on this machine: from the places that pip itself reads. Pure but for `read`. */
import { homedir } from 'node:os';
import { join } from 'node:path';

type Env = Readonly<Record<string, string | undefined>>;

export interface PipSettings {
  /** A pip.conf; empty where nothing is set. It may hold passwords. */
  readonly text: string;
  /** A file of the host with the certificates to trust; null is the image's own. */
  readonly certificates: string | null;
}

/** What says where packages come from and how to get there. The rest is about this machine's folders. */
const kept = [
  'index-url',
  'extra-index-url',
  'find-links',
  'no-index',
  'trusted-host',
  'proxy',
  'timeout',
  'retries',
  'prefer-binary',
] as const;

/** @param read a file's text, or null where it cannot be read */
export function pipSettings(env: Env, read: (path: string) => string | null): PipSettings {
  const said = new Map<string, string>();
  for (const path of settingsFiles(env)) {
    for (const [name, value] of parseConf(read(path) ?? '')) said.set(name, value);
  }
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith('PIP_') || value === undefined || value === '') continue;
    said.set(plain(variable.slice('PIP_'.length)), value);
  }
  const lines = kept.flatMap(name => {
    const value = name === 'find-links' ? addresses(said.get(name)) : said.get(name);
    return value === undefined || value === '' ? [] : [`${name} = ${value.split(/\s*\n\s*/).join('\n    ')}`];
  });
  return {
    text: lines.length === 0 ? '' : ['[global]', ...lines, ''].join('\n'),
    certificates: certificatesOf(said.get('cert'), env, read),
  };
}

/** In pip's own order: the later one wins. */
function settingsFiles(env: Env): string[] {
  if (env.PIP_CONFIG_FILE !== undefined && env.PIP_CONFIG_FILE !== '') return [env.PIP_CONFIG_FILE];
  const home = env.HOME ?? homedir();
  const config = env.XDG_CONFIG_HOME ?? join(home, '.config');
  return [
    '/etc/xdg/pip/pip.conf',
    '/etc/pip.conf',
    join(home, '.pip/pip.conf'),
    join(config, 'pip/pip.conf'),
    join(home, 'Library/Application Support/pip/pip.conf'),
  ];
}

/** Of the sections that `pip install` reads; a value may go on in lines that are indented. */
function parseConf(text: string): [name: string, value: string][] {
  const found: [string, string][] = [];
  let counts = false;
  let last: [string, string] | undefined;
  for (const line of text.split(/\r?\n/)) {
    const section = /^\[(.+)\]\s*$/.exec(line)?.[1];
    if (section !== undefined) counts = section === 'global' || section === 'install';
    else if (/^\s*([#;]|$)/.test(line) || !counts) continue;
    else if (/^\s/.test(line) && last) last[1] = `${last[1]}\n${line.trim()}`.trim();
    else {
      const [, name, value = ''] = /^([^=:]+?)\s*[=:]\s*(.*)$/.exec(line) ?? [];
      if (name === undefined) continue;
      last = [plain(name), value.trim()];
      found.push(last);
    }
  }
  return found;
}

/** `PIP_DEFAULT_TIMEOUT`, `default-timeout` and `timeout` are one. */
function plain(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replaceAll('_', '-')
    .replace(/^default-timeout$/, 'timeout');
}

/** Folders of the host are not there in a build. */
function addresses(links: string | undefined): string | undefined {
  return links
    ?.split(/\s+/)
    .filter(link => /^https?:/.test(link))
    .join('\n');
}

function certificatesOf(
  cert: string | undefined,
  env: Env,
  read: (path: string) => string | null,
): string | null {
  const candidates = [cert, env.REQUESTS_CA_BUNDLE, env.CURL_CA_BUNDLE, env.SSL_CERT_FILE];
  return candidates.find(path => path !== undefined && path !== '' && read(path) !== null) ?? null;
}
