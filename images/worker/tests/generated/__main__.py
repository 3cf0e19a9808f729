"""`python -m generated --scripts 500 --seed 1`: a line a script, and a table at the end. Exit code 1 where a script failed."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from .outcome import End
from .plan import KINDS
from .program import Program, alone, draw, on_non_finite
from .source import source
from .trial import COUNTS, Trial, attempt, features, shrunk


def main() -> int:
    parser = argparse.ArgumentParser(prog="generated", description=__doc__)
    parser.add_argument("--scripts", type=int, default=500, help="how many (default 500)")
    parser.add_argument("--seed", type=int, default=1, help="of the first script; the next has the next (default 1)")
    parser.add_argument("--each", nargs="?", const=".", help="instead: every ingredient by itself, or those that this pattern finds in `name=choice`")
    parser.add_argument("--only", default="", help=f"faults of one kind: {', '.join(KINDS)}")
    parser.add_argument("--failures", type=Path, help="a folder for scripts that fail")
    parser.add_argument("--shrink", type=float, default=60, help="seconds for making a failing script smaller (default 60)")
    parser.add_argument("--show", action="store_true", help="print the scripts, and run none")
    parser.add_argument("--json", action="store_true", help="with --show: a line of JSON a script, with the job's settings")
    options = parser.parse_args()
    drawn = alone(options.each) if options.each else map(draw, range(options.seed, options.seed + options.scripts))
    programs = [program for program in (one.within(features()) for one in drawn)]
    if options.show:
        for program in programs:
            print(json.dumps(described(program)) if options.json else source(program))
        return 0
    began, trials = time.monotonic(), []
    try:
        for program in programs:
            trials.append(tried(program, options, (2, 3) if options.each else COUNTS))
    except KeyboardInterrupt:
        print(f"interrupted; go on with --seed {options.seed + len(trials)}", file=sys.stderr)
    print(table(trials, time.monotonic() - began))
    return 0 if trials and all(trial.end.good for trial in trials) else 1


def tried(program: Program, options: argparse.Namespace, counts: Sequence[int]) -> Trial:
    """Tries a script and prints what became of it."""
    with tempfile.TemporaryDirectory() as folder:
        trial = attempt(program, Path(folder) / "trial", counts, options.only)
    said = trial.outcomes[-1].refusal.splitlines()[:1]
    print(f"{program if len(program.choices) < 8 else f'seed {program.seed}'}: {trial.end.value}, {trial.seconds:.1f} s {' '.join(said)}".rstrip(), flush=True)
    if trial.end.good:
        return trial
    small = shrunk(trial, options.shrink, options.only)
    print(f"{small.program}\n{small.story}", flush=True)
    if options.failures is not None:
        keep(small, trial, options.failures / f"seed-{program.seed}")
    return trial


def described(program: Program) -> dict[str, object]:
    """All that a job needs."""
    settings = {name: program.number(name) for name in ("virtual_ranks", "steps", "checkpoint_every", "job_seed")}
    return {"seed": program.seed, "script": source(program), "on_non_finite": on_non_finite(program), **settings}


def keep(small: Trial, whole: Trial, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "script.py").write_text(source(small.program))
    (folder / "whole.py").write_text(source(whole.program))
    (folder / "story.txt").write_text(f"{small.program}\n{small.story}\n\n{whole.program}\n{whole.story}\n")


def table(trials: list[Trial], seconds: float) -> str:
    """The summary that docs quote."""
    ends = Counter(trial.end for trial in trials)
    refusals = Counter(trial.refusal.splitlines()[0] for trial in trials if trial.end == End.REFUSED)
    faults = Counter(fault.split(" at step ")[0] for trial in trials for outcome in trial.outcomes for fault in outcome.faults)
    runs = sum(len(trial.outcomes) for trial in trials)
    rows = [("scripts", len(trials)), ("runs", runs), *[(end.value, ends[end]) for end in End]]
    rows += [(f"refused: {why}", count) for why, count in refusals.most_common()]
    rows += [(f"fault: {kind}" if kind in KINDS else kind, count) for kind, count in faults.most_common()]
    rows.append(("seconds", round(seconds)))
    return "\n".join(["| | |", "| --- | --- |", *[f"| {name} | {value} |" for name, value in rows]])


if __name__ == "__main__":
    sys.exit(main())
