"""A script's objects in training, and copies of their state that come as late as they may."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from ftc.checkpoint import shadow
from ftc.state import Registered, State

Copying = Callable[[shadow.Pairs], None]


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

    def __init__(self, seed: int, average: bool = False) -> None:
        torch.manual_seed(seed)
        self.model: Any = nn.Sequential(nn.Linear(5, 40), nn.BatchNorm1d(40), nn.ReLU(), nn.Linear(40, 2))
        self.model[2].register_buffer("calls", torch.zeros((), dtype=torch.int64), persistent=False)
        optimizer = torch.optim.Adam(self.model.parameters(), lr=0.1)
        self.scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
        self.average = Average(self.model)
        self.own = Registered(self.model, optimizer, self.scheduler, None, True, {"average": self.average} if average else {})

    def forward(self) -> None:
        """Changes buffers, and all that a script may change without a commit."""
        self.own.optimizers[0].zero_grad()
        self.model[2].calls += 1
        self.model(torch.randn(8, 5)).square().mean().backward()
        self.average.update(self.model)
        self.own.optimizers[0].param_groups[0]["lr"] *= 1.01
        self.scheduler.base_lrs[0] *= 1.01

    def commit(self) -> None:
        self.own.changing()
        self.own.optimizers[0].step()
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

    def _late(self, pairs: shadow.Pairs) -> None:
        if threading.current_thread().name == "ftc-checkpoint":
            assert self._go.wait(60)
            self.copied += len(pairs.views)
        self._copy(pairs)


def of(step: int, root: Path) -> State:
    state: State = torch.load(root / f"step-{step:08d}" / "state.pt", weights_only=True)
    return state
