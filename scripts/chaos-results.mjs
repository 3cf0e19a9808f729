#!/usr/bin/env node
// Puts what runs of scenarios and a soak came to into docs/chaos.md, from their own reports. See --help.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as prettier from 'prettier';
import { root } from './setup/paths.mjs';

const help = `Usage: node scripts/chaos-results.mjs REPORT... [--soak FILE]

REPORT is a directory that "ftc chaos run … --report REPORT" has written; of several the runs are counted together, and of one scenario
with one seed the last.
--soak FILE is the output of "ftc chaos soak … --json".`;

const page = join(root, 'docs/chaos.md');
const [begin, end] = ['<!-- results -->', '<!-- /results -->'];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { soak: { type: 'string' }, help: { type: 'boolean', default: false } },
});
if (values.help || positionals.length === 0) {
  console.log(help);
  process.exit(values.help ? 0 : 2);
}

/** @param {string} path */
const read = path => JSON.parse(readFileSync(path, 'utf8'));
/** @param {number} ms */
const time = ms => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`);
/** The smallest that so many per cent are not above. @param {number[]} sorted @param {number} percent */
const rank = (sorted, percent) =>
  sorted.length === 0 ? '' : time(sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? NaN);
/** @param {any[]} runs @param {string} key */
const sum = (runs, key) => runs.reduce((total, run) => total + run[key], 0);
/** @param {unknown[]} cells */
const line = cells => `| ${cells.join(' | ')} |`;

const indexes = positionals.map(directory => ({ directory, ...read(join(directory, 'index.json')) }));
/** A later report has the word on a scenario with a seed that an earlier one has, too. */
const latest = new Map(
  indexes.flatMap(({ directory, runs }) =>
    runs.map(
      (/** @type {any} */ run) => /** @type {const} */ ([`${run.name} ${run.seed}`, { ...run, directory }]),
    ),
  ),
);
const runs = [...latest.values()];
const names = [...new Set(runs.map(run => run.name))].sort();

/** @param {string} label @param {any[]} own */
function row(label, own) {
  const times = own.flatMap(run => run.recoveries).sort((a, b) => a - b);
  const hold = own.filter(run => run.conclusion === 'holds').length;
  const sums = ['faults', 'losses', 'stepsLost', 'stepsRepeated'].map(key => sum(own, key));
  return line([label, own.length, hold, ...sums, rank(times, 50), rank(times, 99)]);
}

/** Digests of runs, each with that of the undisturbed one. */
const digests = runs.map(({ directory, file }) => {
  const { evidence, undisturbed } = read(join(directory, `${file}.json`));
  return { same: evidence?.digest === undisturbed?.digest && evidence?.digest != null };
});
const same = digests.filter(d => d.same).length;

/** @param {any} g */
const machine = g =>
  `${g.cpus} CPUs, ${(g.memory / 2 ** 30).toFixed(0)} GiB, ${g.os}, Linux ${g.kernel}; engine ${g.engine}, Compose ${g.compose}; Node ${g.node}; ftc ${g.ftc}`;

const [first] = indexes;
const head = [
  'scenario',
  'runs',
  'hold',
  'faults',
  'workers lost',
  'steps lost',
  'steps done again',
  'median',
  'p99',
];
const text = [
  ...indexes.map(i => `- \`${i.command}\`, ${i.writtenAt.slice(0, 10)}`),
  '',
  `${machine(first.ground)}. The last two columns: from a loss to the next committed step.`,
  '',
  line(head),
  line(head.map(() => '---')),
  ...names.map(name =>
    row(
      `\`${name}\``,
      runs.filter(run => run.name === name),
    ),
  ),
  row('all', runs),
  '',
  `${same} of ${runs.length} runs ended with the digest of the same job undisturbed.`,
];

if (values.soak !== undefined) {
  const soak = read(values.soak);
  const kinds = Object.entries(soak.faults).map(([kind, n]) => `${kind} ${n}`);
  const { median, p99, max } = soak.recovery;
  text.push(
    '',
    `\`${soak.command}\`: **${soak.total} faults of ${kinds.length} kinds** (${kinds.join(', ')}) in ${soak.rounds} jobs one after the other. ` +
      `${soak.losses} workers were lost while they held a rank, ${soak.stepsLost} committed steps were lost, ${soak.stepsRepeated} were done again from checkpoints ` +
      `because nobody was left; training went on after a median of ${time(median)}, p99 ${time(p99)}, at most ${time(max)}. ` +
      `Digests at the end of the jobs: \`${soak.digests.join('`, `')}\`; undisturbed: \`${soak.undisturbed}\`. Verdict: ${soak.conclusion}.`,
  );
}

const before = readFileSync(page, 'utf8');
const [from, to] = [before.indexOf(begin), before.indexOf(end)];
if (from < 0 || to < from) throw new Error(`${page} has not the lines ${begin} and ${end}`);
const after = `${before.slice(0, from)}${begin}\n\n${text.join('\n')}\n\n${before.slice(to)}`;
const options = await prettier.resolveConfig(page);
writeFileSync(page, await prettier.format(after, { ...options, parser: 'markdown' }));
console.log(`wrote ${runs.length} runs into ${page}`);
