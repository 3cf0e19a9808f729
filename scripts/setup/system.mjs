import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './paths.mjs';

/**
 * @typedef {{ platform: string, root: boolean, distribution: 'debian' | 'ubuntu' | null, release: number, systemd: boolean }} System
 *   `release` is the distribution's major version (12, 24), 0 where unknown.
 */

/** @returns {System} */
export function probeSystem() {
  const osRelease = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  const { id, release } = parseOsRelease(osRelease);
  return {
    platform: process.platform,
    root: process.getuid?.() === 0,
    distribution: id === 'debian' || id === 'ubuntu' ? id : null,
    release,
    systemd: existsSync('/run/systemd/system'),
  };
}

/** @param {string} text the contents of /etc/os-release */
export function parseOsRelease(text) {
  /** @param {string} key */
  const value = key => new RegExp(`^${key}="?([^"\n]*)"?$`, 'm').exec(text)?.[1] ?? '';
  return { id: value('ID'), release: Number.parseInt(value('VERSION_ID'), 10) || 0 };
}

/**
 * Whether system packages may be installed without asking: only as root, only where apt is the system's own.
 * @param {System} system
 */
export const mayInstall = system =>
  system.platform === 'linux' && system.root && system.distribution !== null;

/** What a person types to let setup install things: by full paths, because root may have another Node or none. */
export const asRoot = `"sudo ${process.execPath} ${join(root, 'scripts/setup.mjs')}"`;
