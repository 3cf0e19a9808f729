"""An optimizer has the state again that it told, to the bit."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from ftc.errors import UsageError
from ftc.state import Registered, clones


def registered() -> tuple[Registered, torch.optim.Optimizer]:
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return Registered(model, optimizer), optimizer


def test_text_in_the_state_of_a_parameter_comes_back_as_it_was() -> None:
    """Torch's load_state_dict makes "<generator object …>" of it."""
    own, optimizer = registered()
    for group in optimizer.param_groups:
        for p in group["params"]:
            optimizer.state[p] = {"kind": "late", "deep": {"names": ["a", "b"], "value": torch.ones(2, dtype=torch.float64)}}
    other, _ = registered()
    other.restore(clones(own.capture()))
    assert other.digest() == own.digest()

class Aside(torch.optim.Optimizer):
    """A plain optimizer of a script's own: nothing but a learning rate."""

    def __init__(self, params: Any) -> None:
        super().__init__(params, {"lr": 0.1})

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for p in group["params"]:
                p.data.add_(p.grad, alpha=-group["lr"])


def test_a_group_that_is_added_after_loading_is_the_same_as_without() -> None:
    """torch adds defaults when an optimizer is loaded: a group that came later had one more entry than in a worker that was never lost."""
    found = []
    for loads in (False, True):
        model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
        optimizer = Aside(model[0].parameters())
        own = Registered(model, optimizer)
        if loads:
            own.restore(clones(own.capture()))
        optimizer.add_param_group({"params": list(model[1].parameters()), "lr": 0.2})
        found.append(optimizer.state_dict()["param_groups"])
    assert found[0] == found[1]


def test_an_optimizer_that_does_not_take_its_own_state_is_refused() -> None:
    class Forgetful(Aside):
        def load_state_dict(self, state: Any) -> None:
            raise KeyError("averages")

    model = nn.Linear(2, 1)
    with pytest.raises(UsageError, match="Forgetful.load_state_dict does not take what Forgetful.state_dict gives .KeyError: 'averages'."):
        Registered(model, Forgetful(model.parameters()))


@pytest.mark.parametrize("rate", [0.5, torch.tensor(0.5)])
def test_a_group_that_the_script_holds_stays_the_optimizers_own(rate: Any) -> None:
    """Whoever took it before `register`, or before a state was loaded, sets the learning rate by it."""
    model = nn.Linear(2, 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate, foreach=False, capturable=False)
    (group,), held = optimizer.param_groups, optimizer.param_groups[0]["lr"]
    own = Registered(model, optimizer, None, None, True, {})
    before = clones(own.capture())
    group["lr"] *= 0.5
    own.restore(clones(before))
    assert optimizer.param_groups[0] is group
    assert float(group["lr"]) == 0.5
    if isinstance(rate, torch.Tensor):
        assert group["lr"] is held
    group["lr"] *= 0.5
    assert float(own.capture()["optimizer"]["param_groups"][0]["lr"]) == 0.25


class Wrapper(torch.optim.Optimizer):
    """Steps another optimizer, and shares its groups with it."""

    def __init__(self, inner: torch.optim.Optimizer) -> None:
        super().__init__(inner.param_groups, inner.defaults)
        self.inner = inner
        self.inner.param_groups = self.param_groups

    def step(self, closure: Any = None) -> Any:
        return self.inner.step(closure)

    def load_state_dict(self, state_dict: Any) -> None:
        super().load_state_dict(state_dict)
        self.inner.param_groups = self.param_groups


def test_a_wrapper_and_its_optimizer_share_their_groups_after_a_state_was_loaded() -> None:
    model = nn.Linear(2, 1)
    wrapper = Wrapper(torch.optim.SGD(model.parameters(), lr=1.0))
    own = Registered(model, wrapper, None, None, True, {})
    own.restore(clones(own.capture()))
    assert wrapper.inner.param_groups is wrapper.param_groups
    wrapper.param_groups[0]["lr"] = 0.0
    before = model.weight.detach().clone()
    model(torch.ones(1, 2)).sum().backward()
    wrapper.step()
    assert torch.equal(model.weight, before)
