"""Shards, which bring an order of their own, and are opened ahead by a thread of theirs."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from ..errors import UsageError
from ..slices import Plan
from .mapstyle import MapStyle
from .options import Loading
from .recipe import Recipe
from .source import Reading


@runtime_checkable
class Sharded(Protocol):
    """`ftc.ShardedDataset`."""

    def __len__(self) -> int: ...

    def __getitem__(self, number: int) -> Any: ...

    def confirm(self, numbers: list[int]) -> None:
        """Whether these samples are still what they were. Raises DataError."""

    def reading(self, plan: Plan) -> Reading: ...


class Shards(MapStyle):
    def __init__(self, dataset: Sharded, loading: Loading, seed: int, pin: bool) -> None:
        if loading.processes > 0:
            raise UsageError(
                f"num_workers={loading.processes} is for a map-style dataset. ftc.ShardedDataset opens shards ahead by itself "
                "(prefetch=), and its transform runs in the training process: leave num_workers out"
            )
        super().__init__(Recipe(dataset, loading.collate_fn, seed, dataset.confirm), len(dataset), pin)
        self._dataset = dataset

    def order(self, plan: Plan) -> Reading:
        return self._dataset.reading(plan)
