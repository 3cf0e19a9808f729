"""Scripts whose registered state depends on how many slices a worker carries; the argument says in which way. With `commit` beside it
they change it once a step instead."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

import ftc


class Counter:
    def __init__(self) -> None:
        self.seen = 0

    def state_dict(self) -> dict[str, Any]:
        return {"seen": self.seen}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.seen = state["seen"]


class Scaled(nn.Linear):
    scale = 1.0

    def get_extra_state(self) -> Any:
        return {"scale": self.scale}

    def set_extra_state(self, state: Any) -> None:
        self.scale = state["scale"]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) * self.scale


def train(job: ftc.Job) -> None:
    kind, *commit = job.args
    torch.manual_seed(1)
    x = torch.randn(48, 8)
    width = 40_000 if kind == "large" else 12
    first = Scaled(8, width)
    model = nn.Sequential(first, nn.ReLU(), nn.Linear(width, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    own, numpy_own, counter = torch.Generator().manual_seed(5), np.random.default_rng(6), Counter()
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    job.register(model=model, optimizer=optimizer, own=own, numpy_own=numpy_own, counter=counter)
    ways: dict[str, Callable[[], object]] = {
        "torch": lambda: torch.rand((), generator=own),
        "numpy": lambda: numpy_own.random(),
        "schedule": scheduler.step,
        "object": lambda: setattr(counter, "seen", counter.seen + 1),
        "extra state": lambda: setattr(first, "scale", first.scale * 0.9),
        "large": lambda: first.weight.data.mul_(0.9) if job.step_number == 3 else None,
    }
    for batch in job.batches(x, batch_size=24):
        if not commit:
            ways[kind]()
        if job.step(model(batch.x).square().mean()) and commit:
            ways[kind]()


ftc.run(train)
