"""SIGKILL after every system call of the writer: the old checkpoint or the new one is there, whole, and found."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from checkpoints import EXPECTED, draft, found, names, put
from ftc.checkpoint import publish as publishing
from ftc.checkpoint.publish import latest, publish
from ftc.checkpoint.restore import newest
from ftc.checkpoint.scratch import sweep
from tracer import Call, calls_of

MEMORY = "/dev/shm"
"""A process that is killed leaves the same on every file system; here nobody waits for a disk."""

_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload(["torch", "torch._dynamo", "torch.distributed"])


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

    once(None)  # what is loaded at the first time is loaded in this process now
    calls = once(None)
    assert len(calls) > 20
    not_reached = {number for number, nth in calls if once((number, nth))[-1] != (number, nth)}
    assert len(not_reached) <= 1, not_reached  # how often threads wait for each other is not always the same


def as_restarted(root: Path, step: int, generation: int) -> None:
    """What a worker does that starts on what a killed one left: loads, publishes, and cleans up."""
    notes: list[str] = []
    result = newest(root, EXPECTED, lambda text, aside=None, /: notes.append(text))
    assert notes == []
    publish(root, draft(step, generation), "next")
    assert found(root, notes) == step and notes == []
    there = latest(root)
    assert there is not None and there.step == step and there.generation == generation
    left = [name for name in names(root) if not name.startswith("step-")]
    assert left == ["LATEST"], left
    assert result is None or f"step-{result[0].step:08d}" in names(root)


def a_first_checkpoint(tmp_path: Path) -> None:
    root = tmp_path / "volume" / "tiny"
    steps = set()

    def check() -> None:
        steps.add(found(root))
        as_restarted(root, 10, 2)

    crash_everywhere(root.parent, lambda: None, lambda: put(root, 5), check)
    assert steps == {None, 5}


def a_second_over_a_first(root: Path) -> None:
    steps = set()

    def check() -> None:
        steps.add(found(root))
        as_restarted(root, 15, 2)

    crash_everywhere(root, lambda: put(root, 5), lambda: put(root, 10), check)
    assert steps == {5, 10}


def one_over_another_of_the_same_step(root: Path) -> None:
    over_another(root, {1, 2})


def one_over_another_where_names_cannot_be_exchanged(root: Path) -> None:
    vars(publishing)["exchange"] = lambda one, other: False
    over_another(root, {1})


def over_another(root: Path, expected: set[int]) -> None:
    generations = set()

    def check() -> None:
        result = newest(root, EXPECTED, lambda text, aside=None, /: pytest.fail(text))
        assert result is not None and result[0].step == 10
        generations.add(result[0].generation)
        as_restarted(root, 20, 3)

    crash_everywhere(root, lambda: put(root, 10), lambda: put(root, 10, generation=2), check)
    assert generations == expected


def one_in_the_place_of_a_damaged_one(root: Path) -> None:
    """What cannot be loaded is still there in the end, beside the new."""

    def before() -> None:
        put(root, 5)
        (put(root, 10) / "manifest.json").unlink()

    def check() -> None:
        kept = [root / name for name in ("step-00000010", ".bad-step-00000010-1") if (root / name).exists()]
        assert any(not (path / "manifest.json").exists() and (path / "state.pt").exists() for path in kept)
        assert found(root) in (5, 10)

    crash_everywhere(root, before, lambda: put(root, 10, generation=2), check)


def cleaning_up_after_a_killed_writer(root: Path) -> None:
    def before() -> None:
        put(root, 5)
        (root / ".tmp-step-00000010-gone-00000000").mkdir()
        (root / ".tmp-step-00000010-gone-00000000" / "state.pt").write_bytes(b"half")

    def check() -> None:
        assert found(root) == 5
        as_restarted(root, 10, 2)

    crash_everywhere(root, before, lambda: sweep(root), check)


def alone(scenario: Callable[[Path], None], root: Path) -> None:
    """In a process that has loaded torch and nothing else, and has one thread."""
    try:
        scenario(root)
    except BaseException:
        (root.parent / "failure").write_text(traceback.format_exc())


@pytest.mark.parametrize(
    "scenario",
    [
        a_first_checkpoint,
        a_second_over_a_first,
        one_over_another_of_the_same_step,
        one_over_another_where_names_cannot_be_exchanged,
        one_in_the_place_of_a_damaged_one,
        cleaning_up_after_a_killed_writer,
    ],
)
def test_a_writer_that_is_killed(scenario: Callable[[Path], None]) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY if os.path.isdir(MEMORY) else None) as folder:
        process = _server.Process(target=alone, args=(scenario, Path(folder) / "root"))
        process.start()
        process.join()
        failure = Path(folder) / "failure"
        assert process.exitcode == 0 and not failure.exists(), failure.read_text() if failure.exists() else process.exitcode
