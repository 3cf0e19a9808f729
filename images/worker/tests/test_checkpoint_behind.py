"""Copied behind the next step, and still exact: what is written is the state of the step that it says."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from checkpoints import Live, about, names
from ftc.checkpoint import shadow, writer as writing
from ftc.checkpoint.publish import latest, publish
from ftc.checkpoint.writer import Writer
from ftc.digest import digest
from ftc.errors import UsageError
from ftc.messages import CheckpointReport
from ftc.state import Registered, State

Copying = Callable[[list[torch.Tensor], list[torch.Tensor]], None]


class Average(nn.Module):
    """An EMA of a model's parameters, as scripts keep it."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.values = nn.ParameterList([p.detach().clone() for p in model.parameters()])

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        for own, value in zip(self.values, model.parameters()):
            own.lerp_(value, 0.1)


class Training:
    """A script's objects, and one step of it after the other."""

    def __init__(self, seed: int) -> None:
        torch.manual_seed(seed)
        self.model: Any = nn.Sequential(nn.Linear(5, 40), nn.BatchNorm1d(40), nn.ReLU(), nn.Linear(40, 2))
        self.model[2].register_buffer("calls", torch.zeros((), dtype=torch.int64), persistent=False)
        optimizer = torch.optim.Adam(self.model.parameters(), lr=0.1)
        self.scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
        self.average = Average(self.model)
        self.own = Registered(self.model, optimizer, self.scheduler, None, True, {"average": self.average})

    def forward(self) -> None:
        """Changes buffers, and all that a script may change without a commit."""
        self.own.optimizer.zero_grad()
        self.model[2].calls += 1
        self.model(torch.randn(8, 5)).square().mean().backward()
        self.average.update(self.model)
        self.own.optimizer.param_groups[0]["lr"] *= 1.01

    def commit(self) -> None:
        self.own.changing()
        self.own.optimizer.step()
        self.scheduler.step()


class Held:
    """Copies begin only when the state is about to change: a commit always has to wait for all of the copy."""

    def __init__(self, own: Registered, monkeypatch: pytest.MonkeyPatch) -> None:
        self.copied = 0
        self._go = threading.Event()
        self._copy: Copying = shadow._copy
        monkeypatch.setattr(shadow, "_copy", self._late)
        own.before_change(self._go.set)

    def hold(self) -> None:
        self._go.clear()

    def _late(self, views: list[torch.Tensor], tensors: list[torch.Tensor]) -> None:
        if threading.current_thread().name == "ftc-checkpoint":
            assert self._go.wait(60)
            self.copied += len(views)
        self._copy(views, tensors)


def of(step: int, root: Path) -> State:
    state: State = torch.load(root / f"step-{step:08d}" / "state.pt", weights_only=True)
    return state


@pytest.mark.parametrize("held", [True, False], ids=["slow copies", "copies at their own speed"])
@pytest.mark.parametrize("seed", range(4))
def test_what_is_written_is_the_state_of_its_step(tmp_path: Path, seed: int, held: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    training, dice = Training(seed), random.Random(seed)
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
            writer.start(training.own, about(step))
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


def test_parameters_that_a_script_changes_meanwhile_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    training = Training(0)
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
        writer.start(training.own, about(number))
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
        for turn in range(3):  # a tensor that has another shape is noticed where it is copied, and then followed
            writer.start(live, about(10 * step + turn))
            writer.join()
        assert digest(of(10 * step + 2, tmp_path)) == digest(state), step


def test_what_a_checkpoint_cannot_hold_is_named(tmp_path: Path) -> None:
    writer = Writer(tmp_path, "me", lambda report: None)
    with pytest.raises(UsageError, match="state.extra.0: a set"):
        writer.start(Live({"extra": [{1, 2}]}), about(1))
    with pytest.raises(UsageError, match="state.extra: keys of tuple"):
        writer.start(Live({"extra": {(1, 2): 3}}), about(1))


def test_memory_is_made_ready_beforehand_and_used_again(tmp_path: Path) -> None:
    live = Live({"model": {"w": torch.ones(1000)}})
    writer = Writer(tmp_path, "me", lambda report: None)
    writer.prepare(live)
    assert writer._shadow is not None
    memory = writer._shadow.memory.data_ptr()
    for step in range(3):
        live.state["model"]["w"].fill_(step)
        writer.start(live, about(step))
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
    writer.start(training.own, about(0))
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
    writer.start(training.own, about(1))
    assert done.wait(60)
    assert digest(of(1, tmp_path)) == expected


def test_a_model_that_is_changed_later_is_captured_as_it_is() -> None:
    training = Training(0)
    own, model = training.own, training.model

    def whole() -> State:
        state = dict(model.state_dict())
        return {"model": state, "buffers": {n: b for n, b in model.named_buffers() if n not in state}}

    def looked_up() -> bool:
        return own._outline.model is not None

    def captured() -> State:
        state = own.capture()
        return {"model": state["model"], "buffers": state.get("buffers", {})}

    assert looked_up() and digest(captured()) == digest(whole())
    model[1].running_mean = torch.ones(40)
    model[2].calls = torch.ones(())
    assert looked_up() and digest(captured()) == digest(whole())
    model[2].register_buffer("more", torch.ones(3))
    assert not looked_up() and digest(captured()) == digest(whole())
    for change in (
        lambda: setattr(model, "3", nn.Linear(40, 2)),
        lambda: model.append(nn.Linear(2, 2)),
        lambda: setattr(model[0], "bias", None),
        lambda: model.register_state_dict_post_hook(lambda *args: args[1].update(more=torch.ones(1))),
    ):
        training = Training(0)
        own, model = training.own, training.model
        change()
        assert digest(captured()) == digest(whole())


class Odd(nn.Linear):
    def get_extra_state(self) -> Any:
        return {"n": 3}

    def set_extra_state(self, state: Any) -> None:
        assert state == {"n": 3}


@pytest.mark.parametrize("make", [lambda: Odd(2, 2), lambda: nn.Sequential(*[nn.BatchNorm1d(2)] * 2), lambda: nn.MultiheadAttention(4, 2), lambda: nn.LSTM(2, 3)])
def test_every_model_tells_its_state_as_it_always_does(make: Callable[[], nn.Module]) -> None:
    model = make()
    own = Registered(model, torch.optim.SGD(model.parameters(), lr=0.1), None, None, True, {})
    assert digest(own.capture()["model"]) == digest(dict(model.state_dict()))
    assert list(own.capture()["model"]) == list(model.state_dict())
