import { spawn } from 'node:child_process';

/**
 * Runs a command to its end, without a shell and without input; never throws.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, timeoutMs?: number, signal?: AbortSignal, onOutput?: (text: string) => void }} [options]
 *   `env` is added to this process's; `signal` and the time limit kill the command.
 * @returns {Promise<{ ok: boolean, code: number | null, missing: boolean, stdout: string, stderr: string }>}
 *   `missing`: there is no such command.
 */
export function run(command, args, { cwd, env, timeoutMs, signal, onOutput } = {}) {
  return new Promise(resolve => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const kill = () => child.kill('SIGKILL');
    const timer = timeoutMs === undefined ? undefined : setTimeout(kill, timeoutMs);
    signal?.addEventListener('abort', kill);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', text => {
      stdout += text;
      onOutput?.(text);
    });
    child.stderr.setEncoding('utf8').on('data', text => {
      stderr += text;
      onOutput?.(text);
    });
    /** @type {(code: number | null, missing: boolean) => void} */
    const end = (code, missing) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', kill);
      resolve({ ok: code === 0, code, missing, stdout, stderr });
    };
    child.on('error', () => end(null, true));
    child.on('close', code => end(code, false));
  });
}

/**
 * The last lines of what a command printed, for an error message.
 * @param {{ stdout: string, stderr: string }} result
 */
export function lastLines({ stdout, stderr }, count = 12) {
  return `${stdout}\n${stderr}`
    .split('\n')
    .filter(line => line.trim() !== '')
    .slice(-count)
    .join('\n');
}
