"""An optimizer has the state again that it told, to the bit."""

from __future__ import annotations

import torch

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
