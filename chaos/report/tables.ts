/** The parts of a page that are lists. */
import { duration } from '../../src/shared/duration.ts';
import type { Evidence, SeenFault } from '../evidence/evidence.ts';
import { many } from '../hypotheses/hypothesis.ts';
import type { Verdict } from '../hypotheses/index.ts';
import { seconds } from './axis.ts';
import { html, type Html } from './html.ts';
import { shortNames } from './timeline.ts';

const words = (holds: boolean | null): readonly [string, string] =>
  holds === null ? ['open', '? not judged'] : holds ? ['good', '✔ holds'] : ['bad', '✘ broken'];

export const verdicts = (list: readonly Verdict[]): Html =>
  html`<ul class="verdicts">
    ${list.map(({ claim, holds, seen }) => {
      const [tone, word] = words(holds);
      return html`<li>
        <span class="mark ${tone}">${word}</span><span>${claim}</span><span class="seen">${seen}</span>
      </li>`;
    })}
  </ul>`;

export function faults(e: Evidence): Html {
  const base = e.firstStep ?? 0;
  const short = shortNames(e);
  const rows = e.faults.map((fault, i) => {
    const recovery = recoveryAfter(fault, e);
    const lasted = fault.until !== null && fault.until > fault.at ? duration(fault.until - fault.at) : '';
    const notes =
      fault.notes.length > 0 ? html`<br /><span class="note">${fault.notes.join('; ')}</span>` : null;
    return html`<tr>
      <td class="n">${i + 1}</td>
      <td class="n">${seconds(fault.at - base)}</td>
      <td class="n">${fault.step}</td>
      <td class="wide">${fault.text}${notes}</td>
      <td class="whom">${whom(fault, short)}</td>
      <td class="n">${lasted}</td>
      <td class="n">${recovery?.resumedMs == null ? '' : duration(recovery.resumedMs)}</td>
      <td class="n">${recovery?.wholeMs == null ? '' : duration(recovery.wholeMs)}</td>
    </tr>`;
  });
  const missed = e.missed.map(
    ({ text, why }) =>
      html`<tr class="quiet">
        <td></td>
        <td class="n">never</td>
        <td></td>
        <td class="wide">${text}</td>
        <td colspan="4">${why}</td>
      </tr>`,
  );
  const back = e.rollbacks.map(
    ({ at, text, error }) =>
      html`<tr class="quiet">
        <td></td>
        <td class="n">${seconds(at - base)}</td>
        <td></td>
        <td class="wide">rollback: ${text}</td>
        <td colspan="4">${error ?? ''}</td>
      </tr>`,
  );
  if (rows.length + missed.length + back.length === 0) return html`<p class="note">There was none.</p>`;
  return html`<div class="scroll">
    <table>
      <tr>
        <th class="n"></th>
        <th class="n">at</th>
        <th class="n">step</th>
        <th>what</th>
        <th>whom</th>
        <th class="n">lasted</th>
        <th class="n">training again</th>
        <th class="n">all again</th>
      </tr>
      ${rows}${back}${missed}
    </table>
  </div>`;
}

const MOST_NAMED = 3;

function whom({ hits }: SeenFault, short: (name: string) => string): string {
  const names = hits.map(h =>
    h.rank === null ? short(h.container) : `${short(h.container)} (rank ${h.rank})`,
  );
  return names.length > MOST_NAMED
    ? `${names.slice(0, MOST_NAMED).join(', ')} and ${names.length - MOST_NAMED} more`
    : names.join(', ');
}

/** The first loss of one of those that it hit, from then until the next fault of the same. */
function recoveryAfter(
  fault: SeenFault,
  { faults, recoveries, origin }: Evidence,
): Evidence['recoveries'][number] | null {
  const ids = new Set(fault.hits.map(h => h.id));
  const next = faults.find(f => f.at > fault.at && f.hits.some(h => ids.has(h.id)));
  // Seen by the workers a little before the engine has said that it is done.
  const begins = fault.asked - 50;
  const found = recoveries.find(r => {
    const at = r.at - origin;
    return at >= begins && at < (next?.asked ?? Infinity) && r.lost.some(id => ids.has(id));
  });
  return found ?? null;
}

export const method = (lines: readonly string[]): Html => html`<pre>${lines.join('\n')}</pre>`;

export function events(e: Evidence): Html {
  const base = e.firstStep ?? 0;
  const all = [
    ...e.events,
    ...e.checkpoints
      .filter(c => c.what !== 'published')
      .map(c => ({
        at: c.at,
        level: c.what === 'loaded' ? ('info' as const) : ('warn' as const),
        text: c.text,
      })),
  ].sort((a, b) => a.at - b.at);
  if (all.length === 0) return html`<p class="note">Nothing.</p>`;
  const rows = all.map(
    ({ at, level, text }) =>
      html`<tr class="${level}">
        <td class="n">${seconds(at - base)}</td>
        <td>${level === 'info' ? '' : level}</td>
        <td class="wide">${text}</td>
      </tr>`,
  );
  const published = e.checkpoints.filter(c => c.what === 'published').length;
  return html`<p class="note">
      ${many(all.length, 'line')}; besides, ${many(published, 'checkpoint')}
      ${published === 1 ? 'was' : 'were'} published.
    </p>
    <details>
      <summary>Show them</summary>
      <div class="scroll">
        <table class="events">
          ${rows}
        </table>
      </div>
    </details>`;
}
