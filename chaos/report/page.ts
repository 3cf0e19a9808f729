/** The page of one run: complete in itself, and readable without colours, scripts or a network. */
import { bytes } from '../../src/shared/bytes.ts';
import { duration } from '../../src/shared/duration.ts';
import type { Evidence } from '../evidence/evidence.ts';
import { stepsLost } from '../evidence/holders.ts';
import { drawing, legend } from './drawing.ts';
import { html, Html } from './html.ts';
import type { Ground, RunReport } from './schema.ts';
import { spread } from './spread.ts';
import { style } from './style.ts';
import { events, faults, method, verdicts } from './tables.ts';

const tones = {
  holds: 'good',
  broken: 'bad',
  'not judged': 'open',
  skipped: 'open',
  interrupted: 'open',
} as const;

export const pill = (conclusion: RunReport['conclusion']): Html =>
  html`<span class="pill ${tones[conclusion]}">${conclusion === 'holds' ? 'all hold' : conclusion}</span>`;

export function document(title: string, body: Html): string {
  return `<!doctype html>\n${
    html`<html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'" />
        <title>${title}</title>
        <style>
          ${new Html(style)}
        </style>
      </head>
      <body>
        <main>${body}</main>
      </body>
    </html>`.text
  }\n`;
}

export function page(r: RunReport, index: string | null): string {
  const { scenario, conclusion, reason, evidence } = r;
  return document(
    `${scenario.title}, seed ${r.seed}: ${conclusion}`,
    html`<header>
        <p class="kicker">
          ${index === null ? 'ftc chaos run' : html`<a href="${index}">all runs</a>`} · ${scenario.name} ·
          seed ${r.seed}
        </p>
        <div class="head">
          <h1>${scenario.title}</h1>
          ${pill(conclusion)}
        </div>
        <p class="lead">${scenario.description}</p>
        ${reason === null ? null : html`<p class="why ${tones[conclusion]}">${reason}</p>`}
      </header>
      ${evidence === null ? null : facts(r, evidence)}
      ${
        r.verdicts.length > 0
          ? html`<section class="card">
              <h2>What was claimed, and what was seen</h2>
              ${verdicts(r.verdicts)}
            </section>`
          : null
      }
      ${evidence === null ? null : happened(evidence)} ${about(r)}`,
  );
}

function facts({ undisturbed }: RunReport, e: Evidence): Html {
  const { lost, repeated } = stepsLost(e.recoveries, e.holders);
  const losses = e.recoveries.reduce((sum, r) => sum + r.lost.length, 0);
  const took = e.firstStep === null ? null : e.end - e.firstStep;
  const cells: [string, string][] = [
    [String(e.faults.length), e.faults.length === 1 ? 'fault' : 'faults'],
    [String(losses), losses === 1 ? 'worker lost' : 'workers lost'],
    [String(lost), lost === 1 ? 'committed step lost' : 'committed steps lost'],
    [String(repeated), 'steps done again from a checkpoint'],
    [String(e.starts.filter(s => s.again).length), 'containers started again'],
    ...replicaCells(e),
    [took === null ? '–' : duration(took), 'training, disturbed'],
    [undisturbed === null ? '–' : duration(undisturbed.trainingMs), 'training, baseline'],
  ];
  return html`<div class="facts">
    ${cells.map(([value, name]) => html`<div><b>${value}</b><span>${name}</span></div>`)}
  </div>`;
}

/** Nothing, where the workers compared nothing. */
function replicaCells({
  replicas: { checks, mismatches, repaired, returned },
}: Evidence): [string, string][] {
  if (checks === 0 && mismatches === 0) return [];
  const undone = [
    repaired > 0 ? `${repaired} repaired` : [],
    returned > 0 ? `${returned} undone` : [],
  ].flat();
  const differed = mismatches === 1 ? 'time that replicas differed' : 'times that replicas differed';
  return [
    [checks.toLocaleString('en'), 'checks of the replicas'],
    [String(mismatches), [differed, ...undone].join(', ')],
  ];
}

function happened(e: Evidence): Html {
  const resumed = e.recoveries.flatMap(r => r.resumedMs ?? []);
  const whole = e.recoveries.flatMap(r => r.wholeMs ?? []);
  const times = spread([
    { name: 'resumed', values: resumed },
    { name: 'all workers again', values: whole },
  ]);
  return html`<section class="card">
      <h2>What happened</h2>
      <div class="scroll">${drawing(e)}</div>
      ${legend(e)}
    </section>
    <section class="card">
      <h2>The faults</h2>
      ${faults(e)}
    </section>
    ${
      times === null
        ? null
        : html`<section class="card">
            <h2>How long recoveries took</h2>
            ${times}
          </section>`
    }
    <section class="card">
      <h2>What the job said</h2>
      ${events(e)}
    </section>`;
}

function about(r: RunReport): Html {
  const { job, undisturbed, evidence, ground, scenario } = r;
  const steps = job.steps === null ? '' : `, ${job.steps} steps`;
  const standbys = job.standbys === 0 ? '' : ` and ${job.standbys} standby`;
  const digest = (value: string | null | undefined): Html =>
    value == null ? html`none` : html`<code>${value}</code>`;
  return html`<section class="card">
    <h2>The run</h2>
    <dl>
      <dt>again</dt>
      <dd><code>${r.command}</code></dd>
      <dt>job</dt>
      <dd>
        ${job.script}: ${job.workers} workers${standbys}${steps}, ${job.virtualRanks} virtual ranks, a
        checkpoint every ${job.checkpointEvery} steps, heartbeat ${duration(job.heartbeat)}
      </dd>
      <dt>digest</dt>
      <dd>${digest(evidence?.digest)}</dd>
      <dt>undisturbed</dt>
      <dd>${digest(undisturbed?.digest)}</dd>
      ${groundRows(ground)}
      <dt>written</dt>
      <dd>${r.writtenAt}</dd>
    </dl>
    ${
      r.method.length > 0
        ? html`<details>
            <summary>The method, as this seed made it</summary>
            ${method(r.method)}
          </details>`
        : null
    }
    ${
      scenario.text === null
        ? null
        : html`<details>
            <summary>The scenario</summary>
            <pre>${scenario.text}</pre>
          </details>`
    }
    ${
      evidence?.traceback
        ? html`<details open>
            <summary>The script's error</summary>
            <pre>${evidence.traceback}</pre>
          </details>`
        : null
    }
  </section>`;
}

export const groundRows = (g: Ground): Html =>
  html`<dt>versions</dt>
    <dd>ftc ${g.ftc}, Node ${g.node}, engine ${g.engine}, Compose ${g.compose}</dd>
    <dt>machine</dt>
    <dd>${g.os}, kernel ${g.kernel}, ${g.architecture}, ${g.cpus} CPUs, ${bytes(g.memory)}</dd>`;
