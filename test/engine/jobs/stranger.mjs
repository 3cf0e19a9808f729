// Says to a master what somebody may try who is no worker, and has the workers' key as a training script has it; prints what came of
// it: node stranger.mjs HOST JOB
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { request } from 'node:http';

const [host, job] = process.argv.slice(2);
const hello = {
  ...{
    type: 'hello',
    role: 'worker',
    protocol: 2,
    job,
    id: 'stranger',
    incarnation: 'x',
    startedAt: 1,
    host: 'h',
  },
  ...{ storePort: 1, step: 0, holdsState: false, ready: false, generation: null, totalSteps: null },
};
/** @param {string} id */
const worker = id => ({ ...hello, id });

/**
 * What the master says to these lines until it closes the link, or is silent for a second.
 * @param {...object} messages
 */
const say = (...messages) =>
  new Promise(resolve => {
    const socket = connect(7077, host);
    let said = '';
    socket.once('data', part => {
      const { nonce: challenge } = JSON.parse(String(part));
      socket.write(messages.map(m => `${JSON.stringify(proven(m, challenge))}\n`).join(''));
      socket.on('data', more => (said += more));
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(said));
    socket.setTimeout(1000, () => socket.destroy());
  });

const { key } = JSON.parse(readFileSync('/run/ftc/key.json', 'utf8'));

/** @param {object} message @param {string} challenge */
function proven(message, challenge) {
  if (!('type' in message) || message.type !== 'hello') return message;
  const { role, id } = /** @type {typeof hello} */ (/** @type {unknown} */ (message));
  const nonce = 'ab'.repeat(32);
  const text = `ftc hello 2\n${job}\n${role}\n${id}\n${challenge}\n${nonce}\n`;
  const proof = createHmac('sha256', Buffer.from(key, 'hex')).update(text).digest('hex');
  return { ...message, nonce, proof };
}

/** How long a link lives on which nothing is said. Milliseconds. */
const silent = () =>
  new Promise(resolve => {
    const begun = Date.now();
    connect(7077, host)
      .on('close', () => resolve(Date.now() - begun))
      .on('error', () => undefined)
      .resume();
  });

/** @param {string} method @param {string} path @param {Record<string, string>} headers */
const http = (method, path, headers) =>
  new Promise((resolve, reject) => {
    const asked = request({ host, port: 8080, method, path, headers }, response => {
      response.resume();
      response.on('end', () => resolve(response.statusCode));
    });
    asked.on('error', reject).end();
  });

const failed = {
  type: 'failed',
  fatal: true,
  fingerprint: 'x',
  message: 'by a stranger',
  traceback: '',
  step: 1,
};
const done = { type: 'done', step: 1, digest: '0'.repeat(64), metrics: {} };
const note = { type: 'note', level: 'warn', text: `${'x'.repeat(500_000)}\u001b[2J` };
const result = {
  post: await Promise.all(
    ['/stop', '/checkpoints/prune?keep=1', '/checkpoints/verify'].map(p => http('POST', p, { 'x-ftc': '1' })),
  ),
  get: await http('GET', '/status', { host: 'master:8080' }),
  rebound: await http('GET', '/status', { host: 'evil.example' }),
  far: [
    await say({ ...worker('far'), generation: 2 ** 53 - 1 }),
    await say({ ...worker('far'), generation: 2 ** 30 }),
    await say({ ...worker('far'), step: 2 ** 39 }),
    await say({ ...worker('far'), host: 'h'.repeat(900_000) }),
  ],
  decisive: [
    await say(worker('ender'), failed, { ...done }, { type: 'finishing', generation: 1, step: 1 }, note),
  ],
  silentMs: await silent(),
  supervisor: await say(
    { type: 'hello', role: 'supervisor', protocol: 2, job, id: 'stranger' },
    { type: 'containers', workers: [] },
  ),
};
console.log(JSON.stringify(result));
