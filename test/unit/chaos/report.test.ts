import fc from 'fast-check';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Doing } from '../../../chaos/evidence/evidence.ts';
import { judge } from '../../../chaos/hypotheses/index.ts';
import { axis, seconds } from '../../../chaos/report/axis.ts';
import { ReportFolder } from '../../../chaos/report/folder.ts';
import { escape, Html, html } from '../../../chaos/report/html.ts';
import { page } from '../../../chaos/report/page.ts';
import { fileName, runReport } from '../../../chaos/report/report.ts';
import { IndexReport, RunReport, type Ground } from '../../../chaos/report/schema.ts';
import { rowsOf, thinned } from '../../../chaos/report/timeline.ts';
import type { Outcome } from '../../../chaos/scenarios/experiment.ts';
import { ownJob } from '../../../chaos/scenarios/job.ts';
import { noCounts } from '../../../src/api/replicas.ts';
import { recovery } from '../verify/made.ts';
import { evidence, lane, seenFault } from './seen.ts';
import { visible } from '../../../src/shared/visible.ts';

const ground: Ground = {
  ftc: '0.1.0',
  node: '20.20.0',
  engine: '20.10.24',
  compose: '2.26.1',
  os: 'Debian GNU/Linux 12',
  kernel: '6.1.0',
  architecture: 'x86_64',
  cpus: 2,
  memory: 8e9,
};

const undisturbed = { digest: 'a'.repeat(64), steps: 100, trainingMs: 10_000 };
const seen = evidence({
  lanes: [lane('a', 'starting', 'computing', 'dead', 'starting', 'computing'), lane('b', ...Doing.options)],
  recoveries: [
    recovery({ lost: ['a'], at: 1_004_020 }),
    recovery({ at: 1_009_000, resumedMs: null, wholeMs: null }),
  ],
  faults: [
    seenFault(),
    seenFault({
      at: 9_000,
      until: 11_000,
      text: 'pause rank 1 for 2.00 s',
      notes: ['the container is gone'],
    }),
  ],
  steps: [
    [0, null],
    [1_000, 1],
    [5_000, 20],
    [6_000, null],
    [8_000, 30],
    [19_000, 100],
  ],
  checkpoints: [{ at: 3_000, step: 25, what: 'set aside', text: 'checkpoint step-00000025 set aside' }],
  events: [{ at: 4_050, level: 'warn', kind: 'loss', text: 'lost rank 0', step: 20 }],
  rollbacks: [{ at: 12_000, text: 'start the supervisor', error: null }],
  missed: [{ text: 'kill a worker at step 500', why: 'the job ended before', drawn: false }],
});

const outcome = (more: Partial<Outcome> = {}): Outcome => ({
  scenario: {
    name: 'mine',
    file: null,
    title: 'Mine',
    description: 'What it proves.',
    job: {},
    hypothesis: {},
    method: [],
    rollbacks: [],
    atOnce: 1,
    minInterval: 0,
    seed: null,
  },
  seed: 7,
  conclusion: 'not judged',
  reason: 'every fault hits: kill a worker at step 500 did not',
  verdicts: judge({ recovery: { p99: 400 }, losses: { atMost: 0 } }, seen, undisturbed),
  entries: [],
  project: 'ftc-chaos-1',
  job: ownJob('ftc'),
  evidence: seen,
  undisturbed,
  ...more,
});

const about = {
  ground,
  command: 'ftc chaos run mine --seed 7',
  text: 'title: Mine',
  writtenAt: '2026-01-01T00:00:00.000Z',
};

describe('a page', () => {
  it('says in words all that its drawing and its colours say', () => {
    const text = page(runReport(outcome(), about), null);
    for (const said of [
      'not judged',
      '✔ holds',
      '✘ broken',
      '? not judged',
      'kill rank 0',
      'pause rank 1 for 2.00 s',
      'the container is gone',
      'kill a worker at step 500',
      'the job ended before',
      'rollback: start the supervisor',
      'lost rank 0',
      'step-00000025 set aside',
      'ftc chaos run mine --seed 7',
      'not running',
      'waiting for others',
      'Debian GNU/Linux 12',
    ])
      expect(text).toContain(said);
    expect(text).toMatch(
      /<svg[^>]* role="img"[^>]* aria-label="Steps over time, up to step 100, with 2 faults/,
    );
  });

  it('is complete in itself: it loads nothing, runs nothing, and says so to the browser', () => {
    const text = page(runReport(outcome(), about), null);
    expect(text).not.toMatch(/<script|<link|<img|<iframe|src=|@import|https?:/);
    expect(text).not.toMatch(/url\((?!#)/);
    expect(text).not.toMatch(/undefined|NaN|\[object/);
    expect(text).toContain("default-src 'none'");
    expect(text).toContain('prefers-color-scheme: dark');
    expect(text).toContain('name="viewport"');
  });

  it('tells how often the workers compared their state, and what that showed', () => {
    const of = (replicas: (typeof seen)['replicas']): string =>
      page(runReport(outcome({ evidence: { ...seen, replicas } }), about), null);
    const text = of({ checks: 1234, mismatches: 3, repaired: 2, returned: 1 });
    expect(text).toContain('<b>1,234</b><span>checks of the replicas</span>');
    expect(text).toContain('<b>3</b><span>times that replicas differed, 2 repaired, 1 undone</span>');
    expect(of(noCounts)).not.toContain('replicas');
  });

  it('is there for a run that never was, and for one of which nothing was seen', () => {
    const skipped = outcome({
      conclusion: 'skipped',
      reason: 'duplicate cannot be done here',
      verdicts: [],
      evidence: null,
      undisturbed: null,
    });
    expect(page(runReport(skipped, about), 'index.html')).toContain('duplicate cannot be done here');
    const nothing = evidence({
      firstStep: null,
      end: 0,
      steps: [],
      lanes: [],
      faults: [],
      recoveries: [],
      generations: [],
      state: null,
      totalSteps: null,
    });
    const text = page(runReport(outcome({ evidence: nothing, conclusion: 'interrupted' }), about), null);
    expect(text).toContain('There was none.');
    expect(text).not.toMatch(/undefined|NaN/);
  });

  it('shows what comes from outside, and is not made of it', () => {
    const evil = `"><script>alert('x')</script><img src=x onerror=y>&\u0000`;
    const hostile = structuredClone(seen);
    Object.assign(hostile, { digest: evil, reason: evil, traceback: evil });
    for (const l of hostile.lanes) Object.assign(l, { id: evil, container: `worker${evil}` });
    for (const f of hostile.faults) {
      Object.assign(f, { text: evil, notes: [evil] });
      for (const h of f.hits) h.container = evil;
    }
    for (const r of hostile.recoveries) r.cause = evil;
    for (const e of [...hostile.events, ...hostile.checkpoints, ...hostile.missed]) e.text = evil;
    const o = outcome({
      evidence: hostile,
      reason: evil,
      verdicts: [{ key: evil, claim: evil, holds: false, seen: evil }],
    });
    const told = { ...o, scenario: { ...o.scenario, name: evil, title: evil, description: evil } };
    const evilGround = { ...ground, os: evil, engine: evil };
    const text = page(
      runReport(told, { ground: evilGround, command: evil, text: evil, writtenAt: evil }),
      null,
    );
    expect(text).not.toMatch(/<script|<img/);
    expect(text).not.toContain('\u0000');
    expect(text.match(/&lt;script&gt;/g)?.length).toBeGreaterThan(15);
    // No quote of it ends an attribute: every tag is one of ours.
    const tags = new Set([...text.matchAll(/<([a-z0-9]+)/g)].map(m => m[1]));
    expect(
      [...tags].filter(
        tag =>
          !/^(html|head|meta|title|style|body|main|header|section|div|span|p|b|br|a|h1|h2|ul|li|svg|g|defs|pattern|line|rect|path|circle|text|table|tr|th|td|dl|dt|dd|code|pre|details|summary)$/.test(
            tag ?? '',
          ),
      ),
    ).toEqual([]);
    const attributes = [...text.matchAll(/<[a-z][^>]*>/g)].map(([tag]) => tag.replaceAll(/"[^"]*"/g, ''));
    expect(attributes.filter(tag => /\s(on\w+|src)\b/.test(tag))).toEqual([]);
  });
});

describe('escaping', () => {
  it('leaves no character that means something or cannot be seen, and nothing out', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.string({ unit: fc.constantFrom('&', '<', '>', '"', "'", ';', 'a') }),
        ),
        text => {
          expect(escape(text)).not.toMatch(/[<>"']|&(?!(amp|lt|gt|quot|#39);)/);
          const back = escape(text)
            .replaceAll('&lt;', '<')
            .replaceAll('&gt;', '>')
            .replaceAll('&quot;', '"')
            .replaceAll('&#39;', "'")
            .replaceAll('&amp;', '&');
          expect(back).toBe(text.split('\n').map(visible).join('\n'));
          expect(html`<p>${text}</p>`.text).toBe(`<p>${escape(text)}</p>`);
        },
      ),
    );
    expect(html`${[new Html('<b>'), '<b>', 1, null]}${new Html('&')}`.text).toBe('<b>&lt;b&gt;1&');
  });
});

describe('a folder of reports', () => {
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'ftc-report-'))));
  afterEach(() => rmSync(directory, { recursive: true }));

  it('has a page and JSON that its schema reads, for one run', () => {
    const folder = new ReportFolder(join(directory, 'deep/er'), ground, 'ftc chaos run mine', false);
    folder.add(outcome(), 'ftc chaos run mine --seed 7');
    const files = readdirSync(join(directory, 'deep/er'));
    expect(files.sort()).toEqual(['01-mine-seed-7.html', '01-mine-seed-7.json']);
    const json: unknown = JSON.parse(readFileSync(join(directory, 'deep/er/01-mine-seed-7.json'), 'utf8'));
    expect(RunReport.parse(json)).toEqual(json);
    expect(folder.first).toMatch(/01-mine-seed-7\.html$/);
  });

  it('has one more that leads to all of them, where there are several', () => {
    const folder = new ReportFolder(directory, ground, 'ftc chaos run all', true);
    folder.add(outcome(), 'a');
    folder.add(outcome({ conclusion: 'holds', seed: 8, reason: null }), 'b');
    const index = readFileSync(join(directory, 'index.html'), 'utf8');
    const json = IndexReport.parse(JSON.parse(readFileSync(join(directory, 'index.json'), 'utf8')));
    expect(json.runs.map(r => [r.file, r.conclusion])).toEqual([
      ['01-mine-seed-7', 'not judged'],
      ['02-mine-seed-8', 'holds'],
    ]);
    for (const { file } of json.runs) {
      expect(index).toContain(`href="${file}.html"`);
      expect(readFileSync(join(directory, `${file}.html`), 'utf8')).toContain('href="index.html"');
    }
    expect(folder.first).toBe(join(directory, 'index.html'));
  });

  it('is written through no link that somebody has put there', () => {
    const victim = join(directory, 'victim');
    writeFileSync(victim, 'whole');
    const reports = join(directory, 'reports');
    mkdirSync(reports);
    for (const name of ['01-mine-seed-7.html', '01-mine-seed-7.json', 'index.html', 'index.json'])
      symlinkSync(victim, join(reports, name));
    const folder = new ReportFolder(reports, ground, 'ftc chaos run all', true);
    folder.add(outcome(), 'a');
    expect(readFileSync(victim, 'utf8')).toBe('whole');
    expect(lstatSync(join(reports, 'index.html')).isFile()).toBe(true);
    mkdirSync(join(directory, 'elsewhere'));
    symlinkSync('../elsewhere', join(reports, '02-mine-seed-8-logs'));
    expect(() => folder.logs(outcome({ seed: 8 }), [{ name: 'a', text: 'x' }])).toThrow('is a link');
    expect(readdirSync(join(directory, 'elsewhere'))).toEqual([]);
  });

  it('that cannot be written to is named', () => {
    expect(() => new ReportFolder('/dev/null/x', ground, 'c', false)).toThrow(
      'cannot write the report to /dev/null/x',
    );
  });

  it('gives files names that nothing takes amiss', () => {
    expect(fileName(0, '../Ein "Fall"!', 3)).toBe('01-ein-fall-seed-3');
    expect(fileName(11, '???', 3)).toBe('12-run-seed-3');
  });
});

describe('a drawing', () => {
  it('has a row for each name, in which a container that was made anew goes on', () => {
    const old = { ...lane('x', 'computing', 'dead'), container: 'job-worker-1' };
    const anew = { ...lane('y', 'starting', 'computing'), container: 'job-worker-1' };
    for (const span of anew.spans) Object.assign(span, { from: span.from + 1_500, to: span.to + 1_500 });
    const [one, two, ...more] = rowsOf({
      lanes: [anew, { ...lane('z', 'computing'), container: 'job-worker-2' }, old],
      faults: [seenFault()],
    });
    expect(one?.spans).toEqual([
      { from: 0, to: 1_000, doing: 'computing' },
      { from: 1_000, to: 1_500, doing: 'dead' },
      { from: 1_500, to: 2_500, doing: 'starting' },
      { from: 2_500, to: 3_500, doing: 'computing' },
    ]);
    expect([one?.name, one?.faults.map(f => f.n), two?.name, more]).toEqual([
      'worker-1',
      [1],
      'worker-2',
      [],
    ]);
  });

  it('places values in order and within its bounds, with round ticks', () => {
    const bounds = fc.tuple(fc.integer({ min: -1e6, max: 1e6 }), fc.integer({ min: 1, max: 1e6 }));
    fc.assert(
      fc.property(bounds, fc.array(fc.integer({ min: -2e6, max: 2e6 })), ([from, length], values) => {
        const x = axis([from, from + length], [100, 900], 10);
        const places = [...values].sort((a, b) => a - b).map(v => x.at(v));
        expect(places).toEqual([...places].sort((a, b) => a - b));
        for (const place of places) expect(place >= 100 && place <= 900).toBe(true);
        expect(x.ticks.length).toBeGreaterThan(3);
        expect(x.ticks.length).toBeLessThan(25);
        for (const tick of x.ticks) expect(tick >= from - 1e-6 && tick <= from + length + 1e-6).toBe(true);
      }),
    );
    expect([seconds(0), seconds(12_340), seconds(150_000)]).toEqual(['0 s', '12.3 s', '2:30']);
  });

  it('keeps the ends of what it thins', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(), { minLength: 2, maxLength: 200 }),
        fc.integer({ min: 2, max: 50 }),
        (points, most) => {
          const few = thinned(points, most);
          expect(few.length).toBeLessThanOrEqual(Math.max(most, 2));
          expect([few[0], few.at(-1)]).toEqual([points[0], points.at(-1)]);
        },
      ),
    );
  });
});
