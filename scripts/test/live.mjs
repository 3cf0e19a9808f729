import { spawn } from 'node:child_process';

/** @type {import('node:child_process').ChildProcess | null} */
let running = null;

/**
 * To the command that runs, where one does.
 * @param {NodeJS.Signals} signal
 */
export function passOn(signal) {
  running?.kill(signal);
}

/**
 * Runs a command whose output is for whoever is watching.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} [env] added to this process's
 * @returns {Promise<number | null>} its exit status; null where a signal ended it or it could not be run
 */
export function live(command, args, env = {}) {
  return new Promise(resolve => {
    const child = spawn(command, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    running = child;
    child.on('error', error => {
      console.error(`${command}: ${error.message}`);
      resolve(null);
    });
    child.on('close', code => {
      running = null;
      resolve(code);
    });
  });
}
