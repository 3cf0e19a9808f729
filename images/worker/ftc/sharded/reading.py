"""A job's way through the shards: which sample when, where it stands, and whether these are still the shards it began with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from ..slices import Plan
from .errors import DataError
from .order import ShardOrder

if TYPE_CHECKING:
    from .dataset import ShardedDataset

class Reading:
    """The order of a sampler, and a part of the job's state: who takes that over must read the very same shards."""

    def __init__(self, dataset: ShardedDataset, plan: Plan, order: ShardOrder) -> None:
        self._dataset = dataset
        self._plan = plan
        self._order = order
        self._identity: dict[str, Any] = {
            "fingerprint": dataset.fingerprint(),
            "shards": len(dataset.shards),
            "samples": len(dataset),
            "bytes": sum(shard.facts.bytes for shard in dataset.shards),
            "order": f"shuffled, window {dataset.window}" if plan.shuffle else "as it is",
        }

    def take(self, epoch: int, first: int, last: int) -> torch.Tensor:
        """Numbers of the samples in these positions of the epoch: int64. Has their shards, and the next, made ready."""
        if last > first:
            self._dataset.want(self._order, epoch, first, last)
        return self._order.take(epoch, first, last)

    def position(self, step: int) -> tuple[str, int]:
        """The first sample of the step after `step` committed ones: its shard's name, and its line counted from 0."""
        first, _ = self._plan.batch_bounds(step)
        return self._dataset.locate(int(self._order.take(self._plan.epoch_of(step), first, first + 1)))

    def state_dict(self) -> dict[str, Any]:
        return dict(self._identity)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes over nothing, and compares. Raises DataError."""
        told = [f"{name}: {state.get(name)} then, {now} now" for name, now in self._identity.items() if state.get(name) != now]
        if told:
            raise DataError(
                f"the data is not what this job was trained on so far ({'; '.join(told)}). Going on would read samples twice, "
                "or never. Put the shards back, or train on these under another name: docs/data.md"
            )
