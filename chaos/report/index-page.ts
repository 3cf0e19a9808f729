/** The page that leads to those of several runs. */
import { duration } from '../../src/shared/duration.ts';
import { percentile } from '../evidence/percentile.ts';
import { html } from './html.ts';
import { document, groundRows, pill } from './page.ts';
import { conclusions, type IndexReport } from './schema.ts';
import { spread } from './spread.ts';

export function indexPage(r: IndexReport): string {
  const { runs } = r;
  const sum = (of: (run: IndexReport['runs'][number]) => number): number =>
    runs.reduce((total, run) => total + of(run), 0);
  const times = spread([{ name: 'resumed after a loss', values: runs.flatMap(run => run.recoveries) }]);
  const counts = conclusions
    .map(c => [c, runs.filter(run => run.conclusion === c).length] as const)
    .filter(([, n]) => n > 0);
  const cells: [number, string][] = [
    [runs.length, 'runs'],
    [sum(run => run.faults), 'faults'],
    [sum(run => run.losses), 'workers lost'],
    [sum(run => run.stepsLost), 'committed steps lost'],
    [sum(run => run.stepsRepeated), 'steps done again from checkpoints'],
  ];
  return document(
    `Chaos: ${runs.length} runs`,
    html`<header>
        <p class="kicker">ftc chaos</p>
        <div class="head">
          <h1>${runs.length} runs under faults</h1>
          <div>${counts.map(([c, n]) => html`${pill(c)} × ${n} `)}</div>
        </div>
      </header>
      <div class="facts">
        ${cells.map(([value, name]) => html`<div><b>${value}</b><span>${name}</span></div>`)}
      </div>
      <section class="card">
        <h2>The runs</h2>
        <div class="scroll">
          <table>
            <tr>
              <th>verdict</th>
              <th>scenario</th>
              <th class="n">seed</th>
              <th class="n">faults</th>
              <th class="n">lost</th>
              <th class="n">steps lost</th>
              <th class="n">recovery, median</th>
              <th class="n">slowest</th>
              <th class="n">time</th>
            </tr>
            ${runs.map(
              run =>
                html`<tr>
                  <td>${pill(run.conclusion)}</td>
                  <td class="wide">
                    <a href="${encodeURIComponent(run.file)}.html">${run.title}</a
                    >${run.reason === null ? null : html`<br /><span class="note">${run.reason}</span>`}
                  </td>
                  <td class="n">${run.seed}</td>
                  <td class="n">${run.faults}</td>
                  <td class="n">${run.losses}</td>
                  <td class="n">${run.stepsLost}</td>
                  <td class="n">${time(percentile(run.recoveries, 50))}</td>
                  <td class="n">${time(percentile(run.recoveries, 100))}</td>
                  <td class="n">${time(run.tookMs)}</td>
                </tr>`,
            )}
          </table>
        </div>
      </section>
      ${
        times === null
          ? null
          : html`<section class="card">
              <h2>How long recoveries took, over all runs</h2>
              ${times}
            </section>`
      }
      <section class="card">
        <h2>The command</h2>
        <dl>
          <dt>again</dt>
          <dd><code>${r.command}</code></dd>
          ${groundRows(r.ground)}
          <dt>written</dt>
          <dd>${r.writtenAt}</dd>
        </dl>
      </section>`,
  );
}

const time = (ms: number | null): string => (ms === null ? '' : duration(ms));
