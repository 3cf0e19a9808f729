"""One script, run by 1 worker undisturbed and by several under faults; and what is left of it when it fails."""

from __future__ import annotations

import inspect
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import ftc
import ftc.messages

from .outcome import End, Outcome, judge
from .plan import plan
from .program import Program, may_be_refused, must_be_refused
from .run import Run

COUNTS = (1, 2, 3, 5)


@dataclass(frozen=True)
class Trial:
    program: Program
    end: End
    outcomes: tuple[Outcome, ...]
    seconds: float

    @property
    def error(self) -> str:
        """The last line of an error that is not ftc's own."""
        return next((line for o in self.outcomes for line in o.crash.splitlines()[-1:]), "")

    @property
    def refusal(self) -> str:
        """Of the first run that was refused."""
        return next(o.refusal for o in self.outcomes if o.refusal)

    @property
    def story(self) -> str:
        return "\n".join(f"  {outcome}" for outcome in self.outcomes)


def features() -> frozenset[str]:
    """What the runtime has of all that scripts may use."""
    register = set(inspect.signature(ftc.Job.register).parameters)
    found = {name for name in ("steps", "begin", "evaluate", "once", "finish", "generator") if hasattr(ftc.Job, name)}
    found |= {name for name in ("schedule", "scaler") if name in register}
    if "weight" in inspect.signature(ftc.Job.step).parameters:
        found.add("weight")
    if "schedule" in register:
        found |= {"lists", "nonfinite"}
    if hasattr(ftc.messages, "Diverged"):
        found.add("flips")
    return frozenset(found)


def attempt(program: Program, root: Path, counts: Sequence[int] = COUNTS, only: str = "") -> Trial:
    """Stops at the first run that has no digest or another one: that is enough to judge, unless all are refused."""
    began = time.monotonic()
    flips, steps = "flips" in features(), program.number("steps")
    refused, partly = must_be_refused(program), may_be_refused(program)
    outcomes = [Run(program, 1, [], root / "undisturbed").outcome()]
    for workers in counts:
        outcomes.append(Run(program, workers, plan(program.seed, workers, steps, flips, only), root / f"{workers}-workers").outcome())
        if not judge(outcomes, refused, partly).good:
            break
    return Trial(program, judge(outcomes, refused, partly), tuple(outcomes), time.monotonic() - began)


def shrunk(trial: Trial, seconds: float, only: str = "") -> Trial:
    """With as few ingredients as still fail in the same way: halves are taken out first, single ones last. Ends after so many seconds."""
    until = time.monotonic() + seconds
    # What ran last is what failed: no other number of workers needs to be tried again.
    counts = [trial.outcomes[-1].workers]
    size = len(trial.program.choices) // 2
    while size > 0:
        names = list(trial.program.choices)
        for start in range(0, len(names), size):
            if time.monotonic() > until:
                return trial
            with tempfile.TemporaryDirectory() as folder:
                tried = attempt(trial.program.without(names[start : start + size]), Path(folder) / "trial", counts, only)
            if tried.end == trial.end and tried.error == trial.error:
                trial = tried
        size //= 2
    return trial
