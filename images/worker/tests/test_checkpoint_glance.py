"""A state that is had in two parts, or by looking up where the model keeps it, is the state that the model tells of itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from checkpoints import telling
from ftc.checkpoint.writer import Writer
from ftc.digest import digest
from ftc.state import Registered, State
from trainings import Held, Training, of


def test_a_parameter_that_is_another_object_by_now_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    training = Training(0)
    gate = Held(training.own, monkeypatch)
    writer = Writer(tmp_path, "me", lambda report: None)
    training.own.before_change(writer.settle)
    for step in (1, 2, 3):
        gate.hold()
        expected = digest(training.own.capture())
        writer.start(training.own, telling(step))
        training.model[0].bias = nn.Parameter(torch.full((40,), float(step)))
        training.own.changing()
        writer.join()
        if (tmp_path / f"step-{step:08d}").exists():
            assert digest(of(step, tmp_path)) == expected
    assert (tmp_path / "step-00000003").exists()


def test_what_a_glance_leaves_for_later_is_the_state_of_the_moment() -> None:
    training = Training(0)
    training.forward()
    training.commit()
    expected = digest(training.own.capture())
    later = training.own.glance()
    assert later is not None
    training.forward()
    training.model[1].running_mean = torch.zeros(40)
    assert digest(later()) == expected != digest(training.own.capture())


def test_an_optimizer_that_tells_its_state_in_its_own_way_is_asked_at_once() -> None:
    training = Training(0)
    training.own.optimizers[0].register_state_dict_post_hook(lambda optimizer, state: {**state, "more": 1})
    assert training.own.glance() is None and training.own.capture()["optimizer"]["more"] == 1


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
