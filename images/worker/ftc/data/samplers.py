"""Orders that a DataLoader's sampler makes: followed where they are a function of a seed, else refused.

An epoch's order is what iterating the sampler gives when all random state that it can draw from was set as a function of
(seed, epoch): the generators of torch, numpy and random, and any torch generator that the sampler holds. It is computed once
an epoch, and held: 8 bytes a sample.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import torch
from torch.utils.data import RandomSampler, SequentialSampler
from torch.utils.data.distributed import DistributedSampler

from ..errors import UsageError
from ..rng import derive, seed_all
from .randomness import aside

KEPT = 2
"""Epochs whose order is kept: slices of the next are prepared before this one has ended."""


def shuffles(sampler: Any, samples: int) -> bool | None:
    """Whether its order is the one that ftc would make of `samples` samples: shuffled, or as they are. None: another one."""
    if type(sampler) is SequentialSampler and len(sampler) == samples:
        return False
    if type(sampler) is RandomSampler and len(sampler) == len(sampler.data_source) == samples:
        if not sampler.replacement and sampler.generator is None:
            return True
    return None


class Followed:
    """A sampler's order. Raises UsageError where it is none that can be followed."""

    def __init__(self, sampler: Any, samples: int, seed: int) -> None:
        name = type(sampler).__name__
        if isinstance(sampler, DistributedSampler):
            raise UsageError(
                f"the DataLoader has a {name}: leave it out. ftc splits each batch over the workers itself, so pass "
                "DataLoader(dataset, batch_size=…, shuffle=True) with the global batch size"
            )
        self._sampler = sampler
        self._name = name
        self._samples = samples
        self._seed = seed
        self._orders: OrderedDict[int, torch.Tensor] = OrderedDict()
        first = self._drawn(0)
        if not torch.equal(first, self._drawn(0)):
            raise UsageError(
                f"the DataLoader's {name} gives another order each time, also when all random state is the same: every worker has "
                "to find the same order by itself. Pass a sampler whose order is a function of set_epoch(epoch) or of "
                "torch's random state, or shuffle=True instead of the sampler"
            )
        if len(first) == 0:
            raise UsageError(f"the DataLoader's {name} gives no samples")
        self._length = len(first)
        self._orders[0] = first

    def __len__(self) -> int:
        """Samples an epoch."""
        return self._length

    def take(self, epoch: int, first: int, last: int) -> torch.Tensor:
        """Numbers of the samples in these positions of the epoch: int64, shape (last - first,)."""
        return self._order(epoch)[first:last]

    def _order(self, epoch: int) -> torch.Tensor:
        if epoch not in self._orders:
            order = self._drawn(epoch)
            if len(order) != self._length:
                raise UsageError(
                    f"the DataLoader's {self._name} gives {len(order)} samples in epoch {epoch}, and {self._length} in epoch 0: "
                    "all epochs need one length"
                )
            self._orders[epoch] = order
            while len(self._orders) > KEPT:
                self._orders.popitem(last=False)
        self._orders.move_to_end(epoch)
        return self._orders[epoch]

    def _drawn(self, epoch: int) -> torch.Tensor:
        with aside():
            seed_all(self._seed, "order", epoch)
            for held in vars(self._sampler).values() if hasattr(self._sampler, "__dict__") else ():
                if isinstance(held, torch.Generator):
                    held.manual_seed(derive(self._seed, "order", epoch))
            if callable(getattr(self._sampler, "set_epoch", None)):
                self._sampler.set_epoch(epoch)
            numbers = list(self._sampler)
        try:
            order = torch.tensor(numbers) if numbers else torch.empty(0, dtype=torch.int64)
        except (TypeError, ValueError, RuntimeError):
            order = torch.empty(())
        if order.dim() != 1 or order.dtype != torch.int64:
            raise UsageError(
                f"the DataLoader's {self._name} gives {numbers[0]!r}: it has to give numbers of samples, one at a time"
            )
        if len(order) and not 0 <= int(order.min()) <= int(order.max()) < self._samples:
            worst = int(order.max()) if int(order.max()) >= self._samples else int(order.min())
            raise UsageError(f"the DataLoader's {self._name} gives sample {worst}: the dataset has 0 to {self._samples - 1}")
        return order
