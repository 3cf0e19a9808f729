"""SIGKILL after every system call of the writer: the old checkpoint or the new one is there, whole, and found."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from checkpoints import EXPECTED, draft, found, names, put
from ftc.checkpoint import publish as publishing
from ftc.checkpoint.publish import latest, publish
from ftc.checkpoint.restore import newest
from ftc.checkpoint.scratch import sweep
from tracer import Call, calls_of


def crash_everywhere(root: Path, before: Callable[[], object], act: Callable[[], object], check: Callable[[], object]) -> None:
    """Runs `act` on what `before` makes, again and again: once to its end, then killed after each of its system calls."""

    def once(kill_after: Call | None) -> list[Call]:
        shutil.rmtree(root, ignore_errors=True)
        before()
        made = calls_of(act, kill_after)
        try:
            check()
        except AssertionError as error:
            raise AssertionError(f"killed after system call {kill_after}: {error}") from error
        return made

    calls = once(None)
    killed = sum(once(call)[-1] == call for call in calls)
    assert killed > 20 and killed > len(calls) * 0.9  # how often threads wait for each other is not always the same


def as_restarted(root: Path, step: int, generation: int) -> None:
    """What a worker does that starts on what a killed one left: loads, publishes, and cleans up."""
    notes: list[str] = []
    result = newest(root, EXPECTED, notes.append)
    assert notes == []
    publish(root, draft(step, generation), "next")
    assert found(root, notes) == step and notes == []
    there = latest(root)
    assert there is not None and there.step == step and there.generation == generation
    left = [name for name in names(root) if not name.startswith("step-")]
    assert left == ["LATEST"], left
    assert result is None or f"step-{result[0].step:08d}" in names(root)


def test_a_first_checkpoint(tmp_path: Path) -> None:
    root = tmp_path / "volume" / "tiny"
    steps = set()

    def check() -> None:
        steps.add(found(root))
        as_restarted(root, 10, 2)

    crash_everywhere(root.parent, lambda: None, lambda: put(root, 5), check)
    assert steps == {None, 5}


def test_a_second_over_a_first(tmp_path: Path) -> None:
    root = tmp_path / "tiny"
    steps = set()

    def check() -> None:
        steps.add(found(root))
        as_restarted(root, 15, 2)

    crash_everywhere(root, lambda: put(root, 5), lambda: put(root, 10), check)
    assert steps == {5, 10}


@pytest.mark.parametrize("exchange", [True, False], ids=["exchanged", "without exchange"])
def test_one_over_another_of_the_same_step(tmp_path: Path, exchange: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not exchange:
        monkeypatch.setattr(publishing, "exchange", lambda one, other: False)
    root = tmp_path / "tiny"
    generations = set()

    def check() -> None:
        result = newest(root, EXPECTED, lambda note: pytest.fail(note))
        assert result is not None and result[0].step == 10
        generations.add(result[0].generation)
        as_restarted(root, 20, 3)

    crash_everywhere(root, lambda: put(root, 10), lambda: put(root, 10, generation=2), check)
    assert generations == ({1, 2} if exchange else {1})


def test_one_in_the_place_of_a_damaged_one(tmp_path: Path) -> None:
    """What cannot be loaded is still there in the end, beside the new."""
    root = tmp_path / "tiny"

    def before() -> None:
        put(root, 5)
        (put(root, 10) / "manifest.json").unlink()

    def check() -> None:
        kept = [root / name for name in ("step-00000010", ".bad-step-00000010-1") if (root / name).exists()]
        assert any(not (path / "manifest.json").exists() and (path / "state.pt").exists() for path in kept)
        assert found(root) in (5, 10)

    crash_everywhere(root, before, lambda: put(root, 10, generation=2), check)


def test_cleaning_up_after_a_killed_writer(tmp_path: Path) -> None:
    root = tmp_path / "tiny"

    def before() -> None:
        put(root, 5)
        (root / ".tmp-step-00000010-gone-00000000").mkdir()
        (root / ".tmp-step-00000010-gone-00000000" / "state.pt").write_bytes(b"half")

    def check() -> None:
        assert found(root) == 5
        as_restarted(root, 10, 2)

    crash_everywhere(root, before, lambda: sweep(root), check)
