"""Copied behind the next step, and still exact: what is written is the state of the step that it says."""

from __future__ import annotations

import random
import threading
from pathlib import Path
from typing import Any

import pytest
import torch

from checkpoints import Live, names, telling
from ftc.checkpoint import writer as writing
from ftc.checkpoint.publish import latest, publish
from ftc.checkpoint.writer import Writer
from ftc.digest import digest
from ftc.errors import UsageError
from ftc.messages import CheckpointReport
from ftc.state import State
from trainings import Held, Training, of


@pytest.mark.parametrize("held", [True, False], ids=["slow copies", "copies at their own speed"])
@pytest.mark.parametrize("average", [True, False], ids=["with an average", "with a model alone"])
@pytest.mark.parametrize("seed", range(3))
def test_what_is_written_is_the_state_of_its_step(
    tmp_path: Path, seed: int, average: bool, held: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    training, dice = Training(seed, average), random.Random(seed)
    assert (training.own.glance() is None) == average
    gate = Held(training.own, monkeypatch) if held else None
    reports: list[CheckpointReport] = []
    writer = Writer(tmp_path, "me", reports.append)
    training.own.before_change(writer.settle)
    expected: dict[int, str] = {}
    if dice.random() < 0.5:
        writer.prepare(training.own)
    for step in range(12):
        if dice.random() < 0.5:
            writer.join()
            if gate is not None:
                gate.hold()
            expected[step] = digest(training.own.capture())
            writer.start(training.own, telling(step))
        for _ in range(dice.randrange(1, 3)):
            training.forward()
            writer.poll()
        training.commit()
        if dice.random() < 0.3:
            writer.join()
    writer.join()
    assert len(expected) > 2 and [r.step for r in reports if r.ok] == list(expected)
    assert {step: digest(of(step, tmp_path)) for step in expected} == expected
    there = latest(tmp_path)
    assert there is not None and there.digest == expected[there.step]
    assert gate is None or gate.copied > 0


@pytest.mark.parametrize("average", [True, False], ids=["with an average", "with a model alone"])
def test_parameters_that_a_script_changes_meanwhile_are_noticed(
    tmp_path: Path, average: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = Training(0, average)
    training.forward()
    training.commit()  # from now on the optimizer has a state
    gate = Held(training.own, monkeypatch)
    reports: list[CheckpointReport] = []
    notes: list[str] = []
    writer = Writer(tmp_path, "me", reports.append, notes.append)
    training.own.before_change(writer.settle)

    def step(number: int) -> str:
        gate.hold()
        expected = digest(training.own.capture())
        writer.start(training.own, telling(number))
        training.forward()
        with torch.no_grad():
            training.model[0].weight.clamp_(-0.01, 0.01)
            training.model[0].weight.add_(1)
        training.commit()
        writer.join()
        return expected

    step(1)
    assert writer.again
    assert reports == [] and names(tmp_path) == []
    assert len(notes) == 1 and "step 1" in notes[0]
    expected, copied = {2: step(2)}, gate.copied  # all at once
    expected[3] = step(3)  # what changed then at once, the rest behind
    assert gate.copied > copied > 0
    assert {number: digest(of(number, tmp_path)) for number in expected} == expected
    assert len(notes) == 1 and [report.step for report in reports] == [2, 3]


def test_a_state_that_takes_another_shape_is_followed(tmp_path: Path) -> None:
    live = Live({"model": {"w": torch.ones(10)}, "optimizer": {}})
    writer = Writer(tmp_path, "me", lambda report: None)
    states: list[State] = [
        live.state,
        {"model": {"w": torch.ones(10)}, "optimizer": {"m": torch.zeros(3), "n": 1}},
        {"model": {"w": torch.ones(10)}, "optimizer": {"m": torch.zeros(3), "n": 1.0}},
        {"model": {"w": torch.ones(1000)}, "optimizer": {"m": torch.zeros(3), "n": [True, None, ("a", 2)]}},
        {"model": {"w": torch.ones(1000)}, "optimizer": {"m": torch.zeros(3), "n": [False, None, ("b", 2.5)]}},
        {"model": {"w": torch.ones(7, dtype=torch.bfloat16).expand(3, 7)}, "optimizer": {"m": 1, "n": torch.empty(0)}},
        {"model": {"w": torch.ones(7, 3).t()}, "optimizer": {"m": torch.ones(()), "n": {}}},
    ]
    for step, state in enumerate(states):
        live.state = state
        writer.start(live, telling(step))
        writer.join()
        assert digest(of(step, tmp_path)) == digest(state), step


def test_what_a_checkpoint_cannot_hold_is_named(tmp_path: Path) -> None:
    writer = Writer(tmp_path, "me", lambda report: None)
    with pytest.raises(UsageError, match="state.extra.0: a set"):
        writer.start(Live({"extra": [{1, 2}]}), telling(1))
    with pytest.raises(UsageError, match="state.extra: keys of tuple"):
        writer.start(Live({"extra": {(1, 2): 3}}), telling(1))


def test_what_a_checkpoint_cannot_hold_is_named_also_where_it_was_met_behind_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = Live({"extra": [{1, 2}]})
    glances = 0

    def glance() -> Any:
        nonlocal glances
        glances += 1
        return live.capture

    monkeypatch.setattr(live, "glance", glance)
    writer = Writer(tmp_path, "me", lambda report: None)
    writer.start(live, telling(1))
    writer.join()
    assert glances == 1 and writer.again
    with pytest.raises(UsageError, match="state.extra.0: a set"):
        writer.start(live, telling(2))


def test_memory_is_made_ready_beforehand_and_used_again(tmp_path: Path) -> None:
    live = Live({"model": {"w": torch.ones(1000)}})
    writer = Writer(tmp_path, "me", lambda report: None)
    writer.prepare(live)
    assert writer._shadow is not None
    memory = writer._shadow.memory.data_ptr()
    for step in range(3):
        live.state["model"]["w"].fill_(step)
        writer.start(live, telling(step))
        writer.join()
        assert of(step, tmp_path)["model"]["w"].eq(step).all()
    assert writer._shadow.memory.data_ptr() == memory


def test_one_at_a_time_and_a_slow_disk_never_holds_up_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = threading.Event()

    def slow(*args: Any) -> int:
        assert disk.wait(60)
        return publish(*args)

    monkeypatch.setattr(writing, "publish", slow)
    training = Training(0)
    reports: list[CheckpointReport] = []
    writer = Writer(tmp_path, "me", reports.append)
    training.own.before_change(writer.settle)
    writer.start(training.own, telling(0))
    for _ in range(20):
        training.forward()
        training.commit()
        assert writer.busy
    disk.set()
    writer.join()
    assert not writer.busy and [report.step for report in reports] == [0]


def test_a_copy_is_taken_without_the_trainings_word_where_that_does_not_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ftc.checkpoint import flight

    monkeypatch.setattr(flight, "UNANSWERED", 0.0)
    training = Training(0)
    done = threading.Event()
    writer = Writer(tmp_path, "me", lambda report: done.set())
    expected = digest(training.own.capture())
    writer.start(training.own, telling(1))
    assert done.wait(60)
    assert digest(of(1, tmp_path)) == expected
