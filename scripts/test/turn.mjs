import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * One run of the tests at a time on a machine: each clears away what an earlier one has left, and would take what another one uses.
 * @param {string} [path]
 * @returns {() => void} ends the turn
 * @throws {Error} where another run is at work
 */
export function takeTurn(path = join(tmpdir(), 'ftc-test.lock')) {
  const own = `${process.pid} ${startOf(process.pid) ?? ''}\n`;
  for (let tries = 0; tries < 2; tries += 1) {
    try {
      writeFileSync(path, own, { flag: 'wx', mode: 0o644 });
      return () => {
        if (read(path) === own) rmSync(path, { force: true });
      };
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
    }
    const pid = holder(read(path));
    if (pid !== null)
      throw new Error(
        `another run of the tests is at work (process ${pid}): wait for its end, or end it. Both would use the same engine.`,
      );
    try {
      rmSync(path, { force: true });
    } catch {
      break; // another user's, whose run is over
    }
  }
  return () => undefined;
}

/** @param {string} text */
function holder(text) {
  const [pid = '', start = ''] = text.trim().split(' ');
  if (!/^[1-9]\d*$/.test(pid) || !isAlive(Number(pid))) return null;
  const found = startOf(Number(pid));
  return found === null || found === start ? pid : null;
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

/**
 * When a process began, in ticks since the machine did: with its number, what no other has. Null where the system does not tell.
 * @param {number} pid
 */
function startOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}

/** @param {string} path */
function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
