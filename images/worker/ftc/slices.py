"""Which samples a step takes, and which of them a virtual rank: pure functions, so that there is no position to lose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch

from .rng import derive


@dataclass(frozen=True)
class Plan:
    """`batch_size` samples a step over all virtual ranks; an epoch's last batch takes what is left."""

    samples: int
    batch_size: int
    virtual_ranks: int
    seed: int
    shuffle: bool = True

    @property
    def steps_per_epoch(self) -> int:
        return -(-self.samples // self.batch_size)

    def epoch_of(self, step: int) -> int:
        """The epoch of the step that follows `step` committed ones."""
        return step // self.steps_per_epoch

    def samples_after(self, step: int) -> int:
        """Samples in the first `step` steps."""
        epoch, batch = divmod(step, self.steps_per_epoch)
        return epoch * self.samples + min(batch * self.batch_size, self.samples)

    def batch_bounds(self, step: int) -> tuple[int, int]:
        """Positions in the epoch's order that a step takes: from, to."""
        start = step % self.steps_per_epoch * self.batch_size
        return start, min(start + self.batch_size, self.samples)

    def slice_bounds(self, step: int, virtual_rank: int) -> tuple[int, int]:
        """Positions that a virtual rank takes of the step's; empty where there are more virtual ranks than samples."""
        start, end = self.batch_bounds(step)
        size, v = end - start, self.virtual_ranks
        return start + virtual_rank * size // v, start + (virtual_rank + 1) * size // v

    def weight(self, step: int, virtual_rank: int) -> float:
        """The slice's share of the batch: weighted so, gradients of slice means add up to that of the batch's mean."""
        start, end = self.batch_bounds(step)
        first, last = self.slice_bounds(step, virtual_rank)
        return (last - first) / (end - start)

    def order(self, epoch: int) -> torch.Tensor:
        """The epoch's permutation of all samples: int64, shape (samples,)."""
        if not self.shuffle:
            return torch.arange(self.samples)
        generator = torch.Generator().manual_seed(derive(self.seed, "order", epoch))
        return torch.randperm(self.samples, generator=generator)


class Order(Protocol):
    """The samples of an epoch in the order in which its steps take them."""

    def take(self, epoch: int, first: int, last: int) -> torch.Tensor:
        """Numbers of the samples in positions `first` to `last`: int64, shape (last - first,)."""


class Permutation:
    """Any sample may come at any time. The current epoch's order is kept."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._epoch = -1
        self._order = torch.empty(0, dtype=torch.int64)

    def take(self, epoch: int, first: int, last: int) -> torch.Tensor:
        if epoch != self._epoch:
            self._order, self._epoch = self._plan.order(epoch), epoch
        return self._order[first:last]


class Sampler:
    """A plan, and the order in which its epochs go through the samples."""

    def __init__(self, plan: Plan, order: Order | None = None) -> None:
        self.plan = plan
        self._order = order or Permutation(plan)

    def indices(self, step: int, virtual_rank: int) -> torch.Tensor:
        """The samples of one slice: int64, shape (n,)."""
        first, last = self.plan.slice_bounds(step, virtual_rank)
        return self._order.take(self.plan.epoch_of(step), first, last)
