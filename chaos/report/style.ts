/** How reports look: light and dark, on a wide screen, on a phone and on paper. Nothing is loaded from anywhere. */
export const style = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #fff; --ink: #17202b; --soft: #556270; --line: #dbe1e8; --faint: #eef1f5;
  --good: #0b7a4b; --good-bg: #e2f5ec; --bad: #b3261e; --bad-bg: #fdeae8; --open: #8a5a00; --open-bg: #fdf2dc;
  --computing: #8ccdaa; --waiting: #e0ae3a; --regrouping: #7b5bd6; --starting: #93a5ba; --standby: #5aa9d6;
  --dead: #d0473d; --done: #cfe4d9; --unknown: #c9d1da; --steps: #1f5fbf; --accent: #1f5fbf;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f141a; --card: #171e27; --ink: #e6ecf3; --soft: #9fb0c2; --line: #2b3643; --faint: #1e2732;
    --good: #5fd3a0; --good-bg: #12352a; --bad: #ff8f86; --bad-bg: #411d1c; --open: #f0c060; --open-bg: #3a2c10;
    --computing: #2f7d5b; --waiting: #c99a26; --regrouping: #9a80ea; --starting: #6c8099; --standby: #4a97c4;
    --dead: #e06359; --done: #38584a; --unknown: #3b4754; --steps: #7db2ff; --accent: #7db2ff;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 6px; letter-spacing: -0.01em; }
h2 { font-size: 1.05rem; margin: 0 0 14px; }
p { margin: 0 0 10px; }
a { color: var(--accent); }
code, pre, .mono { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: 0.87em; }
.kicker { color: var(--soft); font-size: 0.85rem; margin-bottom: 4px; }
.lead { color: var(--soft); max-width: 70ch; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 18px 20px; margin-top: 18px; }
.pill { display: inline-block; border-radius: 999px; padding: 3px 12px; font-weight: 600; font-size: 0.9rem; white-space: nowrap; }
.good { color: var(--good); } .bad { color: var(--bad); } .open { color: var(--open); }
.pill.good { background: var(--good-bg); } .pill.bad { background: var(--bad-bg); } .pill.open { background: var(--open-bg); }
.head { display: flex; gap: 12px 20px; align-items: flex-start; justify-content: space-between; flex-wrap: wrap; }
.why { border-left: 3px solid currentColor; padding-left: 10px; margin-top: 12px; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(135px, 1fr)); gap: 1px; background: var(--card); border: 1px solid var(--line); border-radius: 10px; overflow: hidden; margin-top: 18px; }
.facts div { padding: 12px 16px; box-shadow: 0 0 0 1px var(--line); }
.facts b { display: block; font-size: 1.35rem; line-height: 1.25; font-variant-numeric: tabular-nums; }
.facts span { color: var(--soft); font-size: 0.82rem; }
.verdicts { list-style: none; margin: 0; padding: 0; }
.verdicts li { display: grid; grid-template-columns: 7.6em minmax(0, 1.2fr) minmax(0, 1fr); gap: 2px 16px; padding: 7px 0; border-top: 1px solid var(--faint); }
.verdicts li:first-child { border-top: 0; padding-top: 0; }
.verdicts .seen { color: var(--soft); font-size: 0.92rem; }
.verdicts .mark { font-weight: 600; font-size: 0.9rem; white-space: nowrap; }
.scroll { overflow-x: auto; -webkit-overflow-scrolling: touch; margin: 0 -20px; padding: 0 20px; }
svg { display: block; width: 100%; min-width: 720px; height: auto; }
svg.small { min-width: 420px; max-width: 720px; }
svg text { fill: var(--soft); font: 11px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; font-variant-numeric: tabular-nums; }
svg text.name { fill: var(--ink); }
svg text.number { fill: var(--card); font-weight: 700; font-size: 10px; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 12px 0 0; padding: 0; list-style: none; color: var(--soft); font-size: 0.84rem; }
.legend svg { display: inline-block; width: 26px; min-width: 0; height: 12px; vertical-align: -1px; margin-right: 6px; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; }
th, td { text-align: left; padding: 6px 14px 6px 0; border-top: 1px solid var(--faint); vertical-align: top; }
th { color: var(--soft); font-weight: 500; font-size: 0.82rem; border-top: 0; white-space: nowrap; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.wide { min-width: 13em; } td.whom { min-width: 9em; }
table + .note, .scroll + .note { margin: 16px 0 0; }
tr.quiet td { color: var(--soft); }
.note { color: var(--soft); font-size: 0.86rem; }
pre { background: var(--faint); border-radius: 8px; padding: 12px 14px; overflow-x: auto; margin: 8px 0 0; line-height: 1.45; }
details { margin-top: 12px; }
summary { cursor: pointer; color: var(--accent); }
dl { display: grid; grid-template-columns: minmax(7em, auto) 1fr; gap: 4px 18px; margin: 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
.events td { padding-top: 3px; padding-bottom: 3px; border-top: 0; }
.events .warn { color: var(--open); } .events .error { color: var(--bad); }
@media (max-width: 560px) {
  main { padding: 18px 12px 40px; }
  .card { padding: 14px; }
  .scroll { margin: 0 -14px; padding: 0 14px; }
  .verdicts li { grid-template-columns: 1fr; }
  dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: 8px; }
}
@media print { body { background: #fff; } .card { break-inside: avoid; } .scroll { overflow: visible; } }
`;
