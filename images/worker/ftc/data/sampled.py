"""A source that goes through its samples as a DataLoader would: in batches of its size, in the order of its sampler."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..slices import Order, Plan, Slice
from .samplers import Followed
from .source import Source


class Sampled(Source):
    """`followed`: the sampler, where its order is not one that the plan makes as well."""

    def __init__(
        self, inner: Source, batch_size: int, drop_last: bool, shuffle: bool | None, followed: Followed | None
    ) -> None:
        self._inner = inner
        self._followed = followed
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.shuffle = shuffle
        self.ahead = inner.ahead

    def __len__(self) -> int:
        return len(self._inner if self._followed is None else self._followed)

    def fetch(self, wanted: Slice) -> Any:
        return self._inner.fetch(wanted)

    def expect(self, coming: Sequence[Slice]) -> None:
        self._inner.expect(coming)

    def order(self, plan: Plan) -> Order | None:
        return self._inner.order(plan) if self._followed is None else self._followed

    def close(self) -> None:
        self._inner.close()
