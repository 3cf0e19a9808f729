from __future__ import annotations

import time

import pytest

from ftc.messages import Phase
from ftc.progress import Pace, Progress


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    return clock


def test_a_committed_step_is_told_as_computing_and_waiting(clock: Clock) -> None:
    progress = Progress()
    progress.slices = 4
    progress.phase = "compute"
    clock.now += 0.25
    progress.phase = "reduce"
    clock.now += 0.125
    assert progress.pace is None
    assert progress.heartbeat().phase_ms == 125.0
    progress.phase = "compute"
    assert progress.pace == Pace(0.25, 4, 0.125)
    beat = progress.heartbeat()
    assert (beat.phase_ms, beat.compute_ms, beat.slices, beat.wait_ms) == (0.0, 250.0, 4, 125.0)


def test_a_step_that_broke_is_no_committed_one(clock: Clock) -> None:
    progress = Progress()
    phases: list[Phase] = ["compute", "reduce", "regroup", "sync", "compute"]
    for phase in phases:
        progress.phase = phase
        clock.now += 1.0
    assert progress.pace is None


def test_what_comes_between_a_commit_and_the_next_attempt_is_not_counted(clock: Clock) -> None:
    progress = Progress()
    progress.slices = 1
    progress.phase = "compute"
    progress.phase = "reduce"
    progress.phase = "compute"
    clock.now += 60.0  # the script evaluates
    progress.phase = "compute"
    clock.now += 0.5
    progress.phase = "reduce"
    progress.phase = "compute"
    assert progress.pace == Pace(0.5, 1, 0.0)
