#!/usr/bin/env node
// Runs every test and closes with one line, `N passed, N failed`. `--only NAME` (unit, python, engine, alone) runs a part, and
// names of files behind it take these of it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { followConnection } from './setup/client.mjs';
import { readEnvFile, readVariable } from './setup/env-file.mjs';
import { root } from './setup/paths.mjs';
import { removeLeftovers } from './test/leftovers.mjs';
import { passOn } from './test/live.mjs';
import { startNeighbour } from './test/neighbour.mjs';
import { runners } from './test/runners.mjs';
import { slowest } from './test/slowest.mjs';
import { tally } from './test/tally.mjs';
import { takeTurn } from './test/turn.mjs';

const { values, positionals: files } = parseArgs({
  options: { only: { type: 'string', multiple: true } },
  allowPositionals: true,
});
const all = Object.keys(runners);
const unknown = values.only?.find(name => !all.includes(name));
if (unknown !== undefined) {
  console.error(`test: there is no "${unknown}"; --only takes ${all.join(', ')}`);
  process.exit(2);
}

/** @type {() => void} */
let endTurn = () => undefined;
try {
  endTurn = takeTurn();
} catch (error) {
  console.error(`test: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(3);
}
// Whoever runs the tests at a terminal interrupts the runner, too. It ends by itself then; what it has started is removed below.
let interrupted = false;
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM']))
  process.on(signal, () => {
    interrupted = true;
    if (!process.stdin.isTTY || signal === 'SIGTERM') passOn(signal);
  });

await followConnection();
process.env.FTC_BASE_IMAGE ??= readVariable(readEnvFile(join(root, '.env')), 'FTC_BASE_IMAGE') ?? '';
const removed = await removeLeftovers();
if (removed > 0) console.error(`test: removed ${removed} leftovers of an earlier run that was killed`);

const folder = mkdtempSync(join(tmpdir(), 'ftc-test-'));
const outcomes = [];
const lookAtNeighbour = await startNeighbour();
try {
  for (const [name, runTests] of Object.entries(runners)) {
    if (interrupted || values.only?.includes(name) === false) continue;
    console.error(`\ntest: ${name}`);
    outcomes.push(await runTests(folder, files));
  }
  const neighbour = await lookAtNeighbour();
  if (outcomes.length > 0) outcomes.push(neighbour);
} finally {
  rmSync(folder, { recursive: true, force: true });
  if (interrupted)
    console.error(`test: interrupted; removed ${await removeLeftovers()} of what the tests had started`);
  endTurn();
}
if (interrupted) process.exit(130);
console.error('\ntest: the 20 slowest');
for (const timed of slowest(outcomes.flatMap(({ times = [] }) => times))) console.error(timed);
const { line, ok, problems } = tally(outcomes);
for (const problem of problems) console.error(`test: ${problem}`);
process.exitCode = ok ? 0 : 1;
console.log(line);
