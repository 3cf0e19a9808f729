"""Which samples a step takes, and which of them a virtual rank: pure functions, so that there is no position to lose."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from .permutation import Feistel

BLOCK = 1024
"""Positions whose samples are computed together: a small tensor costs as much as one of this size."""

KEPT = 64
"""Blocks that are kept: 0.5 MB, more than the slices of the steps that are prepared ahead take."""


@dataclass(frozen=True)
class Plan:
    """`batch_size` samples a step over all virtual ranks; an epoch's last batch takes what is left, unless it is dropped."""

    samples: int
    batch_size: int
    virtual_ranks: int
    seed: int
    shuffle: bool = True
    drop_last: bool = False

    @property
    def steps_per_epoch(self) -> int:
        return self.samples // self.batch_size if self.drop_last else -(-self.samples // self.batch_size)

    @property
    def samples_per_epoch(self) -> int:
        """Those that its steps take."""
        return min(self.steps_per_epoch * self.batch_size, self.samples)

    def epoch_of(self, step: int) -> int:
        """The epoch of the step that follows `step` committed ones."""
        return step // self.steps_per_epoch

    def samples_after(self, step: int) -> int:
        """Samples in the first `step` steps."""
        epoch, batch = divmod(step, self.steps_per_epoch)
        return epoch * self.samples_per_epoch + min(batch * self.batch_size, self.samples)

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


class Order(Protocol):
    """The samples of an epoch in the order in which its steps take them."""

    def take(self, epoch: int, first: int, last: int) -> torch.Tensor:
        """Numbers of the samples in positions `first` to `last`: int64, shape (last - first,)."""


class Permutation:
    """Any sample may come at any time. Computed for the positions that are asked for: an epoch may have any length."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._blocks: OrderedDict[tuple[int, int], torch.Tensor] = OrderedDict()

    def take(self, epoch: int, first: int, last: int) -> torch.Tensor:
        """Numbers of the samples in these positions of the epoch: int64, shape (last - first,)."""
        if not self._plan.shuffle or last <= first:
            return torch.arange(first, max(first, last))
        numbers = range(first // BLOCK, (last - 1) // BLOCK + 1)
        found = [self._block(epoch, number) for number in numbers]
        start = first - numbers[0] * BLOCK
        return (found[0] if len(found) == 1 else torch.cat(found))[start : start + last - first]

    def _block(self, epoch: int, number: int) -> torch.Tensor:
        key = (epoch, number)
        if key not in self._blocks:
            permuted = Feistel(self._plan.samples, self._plan.seed, "order", epoch)
            self._blocks[key] = permuted(torch.arange(number * BLOCK, min((number + 1) * BLOCK, self._plan.samples)))
            while len(self._blocks) > KEPT:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(key)
        return self._blocks[key]


@dataclass(frozen=True, eq=False)
class Slice:
    """What one virtual rank takes of a step. `indices`: the samples' numbers, int64, shape (n,)."""

    step: int
    virtual_rank: int
    indices: torch.Tensor

    @property
    def key(self) -> tuple[int, int]:
        """Two slices of one job with one key are the same."""
        return self.step, self.virtual_rank


class Sampler:
    """A plan, and the order in which its epochs go through the samples."""

    def __init__(self, plan: Plan, order: Order | None = None) -> None:
        self.plan = plan
        self._order = order or Permutation(plan)

    def indices(self, step: int, virtual_rank: int) -> torch.Tensor:
        """The samples of one slice: int64, shape (n,)."""
        first, last = self.plan.slice_bounds(step, virtual_rank)
        return self._order.take(self.plan.epoch_of(step), first, last)

    def coming(self, step: int, total: int, carried: Sequence[int], ahead: int) -> list[Slice]:
        """The slices of a step that these virtual ranks carry, and up to `ahead` of the steps after it, before step `total`."""
        found: list[Slice] = []
        most = ahead + len(carried)
        for later in range(step, min(total, step + ahead + 1)):
            for virtual_rank in carried[: most - len(found)]:
                first, last = self.plan.slice_bounds(later, virtual_rank)
                if last > first:
                    found.append(Slice(later, virtual_rank, self.indices(later, virtual_rank)))
        return found
