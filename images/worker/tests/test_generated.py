"""Random training scripts: whatever happens to their workers, all runs of one end with the same bits, or all are refused.

`FTC_GENERATED` says how many, or which: `17,23-25`. `python3 -m generated` in this folder runs many, with a table at the end.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from generated.outcome import End, Outcome, judge
from generated.plan import KINDS, plan
from generated.program import Program, draw
from generated.source import source
from generated.trial import attempt, features, shrunk

CHOSEN = os.environ.get("FTC_GENERATED")
AT_MOST = 600.0 if CHOSEN else 40.0
"""Seconds for all scripts together: a machine that is slow tries fewer."""

SHRINK = 60.0


def seeds(text: str) -> list[int]:
    """Of `8`: the first eight; of `17,23-25`: these."""
    if text.isdigit():
        return list(range(1, int(text) + 1))
    bounds = [part.partition("-") for part in text.split(",") if part]
    return [n for first, _, last in bounds for n in range(int(first), int(last or first) + 1)]


@pytest.fixture(scope="module")
def until() -> float:
    return time.monotonic() + AT_MOST


@pytest.mark.parametrize("seed", seeds(CHOSEN or "2,6,7"))
def test_a_random_script_has_one_digest_or_is_refused(tmp_path: Path, until: float, seed: int) -> None:
    if time.monotonic() > until:
        pytest.skip(f"{AT_MOST:.0f} s have gone into the scripts before")
    trial = attempt(draw(seed).within(features()), tmp_path / "trial")
    if not trial.end.good:
        small = shrunk(trial, SHRINK)
        pytest.fail(f"{trial.end.value}\n{trial.program}\n{trial.story}\n\nsmaller: {small.program}\n{small.story}\n\n{source(small.program)}")


def test_a_script_and_its_faults_depend_on_the_seed_alone() -> None:
    assert [source(draw(seed)) for seed in range(40)] == [source(draw(seed)) for seed in range(40)]
    assert plan(5, 3, 20, True) == plan(5, 3, 20, True)
    assert len({source(draw(seed)) for seed in range(40)}) == 40


def test_every_kind_of_fault_comes() -> None:
    faults = [fault for seed in range(60) for fault in plan(seed, 3, 18, True)]
    assert {fault.kind for fault in faults} == set(KINDS)
    assert all(fault.kind != "bit flip" for seed in range(60) for fault in plan(seed, 2, 18, True))


def test_a_script_whose_result_is_by_chance_is_found_out_and_made_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the search is for: the ingredient that is to blame is what is left."""
    monkeypatch.setattr("generated.run.source", by_chance)
    program = Program(3, {"samples": "40", "block1": "rrelu", "optimizer": "adam", "metrics": "last"})
    trial = attempt(program, tmp_path / "trial", [2])
    assert trial.end == End.PARTLY  # one worker has nothing to compare with
    assert dict(shrunk(trial, SHRINK).program.choices) == {"block1": "rrelu"}


CHANCE = """class Chance(nn.Module):
    def __init__(self):
        super().__init__()
        self.factor = random.SystemRandom().random()

    def forward(self, x):
        return x * self.factor


"""


def by_chance(program: Program) -> str:
    """With a layer that is another one in each worker; the settings of torch's own would be compared."""
    return source(program).replace("nn.RReLU()", "Chance()").replace("class Net(", f"{CHANCE}class Net(")


@pytest.mark.parametrize(
    ("outcomes", "end"),
    [
        ([Outcome(1, ("a",)), Outcome(2, ("a",))], End.SAME),
        ([Outcome(1, ("a",)), Outcome(2, ("b",))], End.DIFFERENT),
        ([Outcome(1, ("a",)), Outcome(2, ("a", "b"))], End.DIFFERENT),
        ([Outcome(1, refusal="no"), Outcome(2, refusal="no, never")], End.REFUSED),
        ([Outcome(1, ("a",)), Outcome(2, refusal="no")], End.PARTLY),
        ([Outcome(1, refusal="no"), Outcome(2, crash="KeyError")], End.CRASH),
        ([Outcome(1, ("a",)), Outcome(2, hang="waited")], End.HANG),
    ],
)
def test_the_worst_of_all_runs_is_what_counts(outcomes: list[Outcome], end: End) -> None:
    assert judge(outcomes) == end
