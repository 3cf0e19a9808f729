"""What scripts that train a model of an unusual kind have in common: `train` them by the name that the job's arguments begin with.

Other arguments are steps: all workers wait before these until a file named `go-` and the step is there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

import ftc


def nothing(job: ftc.Job) -> None:
    pass


@dataclass
class Kind:
    """What is trained, and what the script does at which place."""

    model: nn.Module
    optimizer: Any = None
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] | None = None
    arrived: Callable[[ftc.Job], object] = nothing
    """When a batch has arrived, before it is looked at."""
    unpacked: Callable[[ftc.Job], object] = nothing
    """After that, before the forward pass."""
    committed: Callable[[ftc.Job], object] = nothing
    registered: Callable[[ftc.Job], object] = nothing
    samples: int = 43
    more: dict[str, Any] = field(default_factory=dict)
    """Registered beside model and optimizer."""


def seen_once_a_step() -> Callable[[ftc.Job], bool]:
    """Whether this worker is there for the first time in the present step."""
    last = [-1]

    def first(job: ftc.Job) -> bool:
        before, last[0] = last[0], job.step_number
        return before != last[0]

    return first


def train(kinds: dict[str, Callable[[], Kind]]) -> None:
    ftc.run(lambda job: _train(job, kinds))


def _train(job: ftc.Job, kinds: dict[str, Callable[[], Kind]]) -> None:
    torch.manual_seed(3)
    kind = kinds[job.args[0]]()
    draw = torch.Generator().manual_seed(1)
    x = torch.randn(kind.samples, 8, generator=draw)
    y = (x.sum(1) > 0).long()
    optimizer = kind.optimizer or torch.optim.Adam(kind.model.parameters(), lr=0.02)
    job.register(model=kind.model, optimizer=optimizer, **kind.more)
    kind.registered(job)

    def loss(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(kind.model(x), y)

    for batch in job.batches((x, y), batch_size=16):
        while str(job.step_number) in job.args and not (job.checkpoint_dir.parent / f"go-{job.step_number}").exists():
            time.sleep(0.002)
        kind.arrived(job)
        slice_x, slice_y = batch.x, batch.y
        kind.unpacked(job)
        if job.step((kind.loss or loss)(slice_x, slice_y)):
            kind.committed(job)
