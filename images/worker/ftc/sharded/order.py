"""Which sample an epoch takes when: a pure function of (seed, epoch), made so that few shards are in use at a time.

An epoch shuffles the shards, and the lines of each. A shard's lines are cut into `window` pieces of about one size; the group
number g of the epoch mixes the first piece of its g-th shard with the second of the shard before, and so on. So `window`
shards are in use at a time, and each group ends the use of one and begins that of one other. Every sample is in one group.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from itertools import accumulate
from typing import Generic, TypeVar

import torch

from ..rng import derive

T = TypeVar("T")


class ShardOrder:
    """`counts`: samples a shard, in the shards' order; a sample's number counts through all of them."""

    def __init__(self, counts: Sequence[int], seed: int, shuffle: bool, window: int) -> None:
        self.counts = list(counts)
        self.bases = [0, *accumulate(counts)]
        self._seed = seed
        self._shuffle = shuffle
        self._window = window if shuffle else 1
        self._filled = [shard for shard, count in enumerate(counts) if count > 0]
        self._epochs: Kept[list[int]] = Kept(2)
        self._bounds: Kept[list[int]] = Kept(2)
        self._lines: Kept[torch.Tensor] = Kept(self._window + 1)
        self._mixed: Kept[torch.Tensor] = Kept(2)

    def locate(self, number: int) -> tuple[int, int]:
        """Shard and line of a sample."""
        shard = bisect_right(self.bases, number) - 1
        return shard, number - self.bases[shard]

    def take(self, epoch: int, first: int, last: int) -> torch.Tensor:
        """Numbers of the samples in positions `first` to `last` of the epoch: int64, shape (last - first,)."""
        if not self._shuffle:
            return torch.arange(first, last)
        bounds = self._bounds_of(epoch)
        parts = []
        group = bisect_right(bounds, first) - 1
        while first < last:
            end = min(last, bounds[group + 1])
            if end > first:
                parts.append(self._group(epoch, group)[first - bounds[group] : end - bounds[group]])
            first, group = max(first, end), group + 1
        return torch.cat(parts) if parts else torch.empty(0, dtype=torch.int64)

    def shards_from(self, epoch: int, position: int) -> Iterator[int]:
        """The shards in the order in which they are needed from there on, without end; one may come again."""
        while self._filled:
            order, bounds = self._shards_of(epoch), self._bounds_of(epoch)
            for group in range(bisect_right(bounds, position) - 1, len(bounds) - 1):
                for shard, _, _ in reversed(self._pieces(order, group)):
                    yield shard
            epoch, position = epoch + 1, 0

    def shards_between(self, epoch: int, first: int, last: int) -> list[int]:
        """Those that positions `first` to `last` of an epoch may take samples from."""
        order, bounds = self._shards_of(epoch), self._bounds_of(epoch)
        groups = range(bisect_right(bounds, first) - 1, bisect_right(bounds, max(first, last - 1)))
        return list(dict.fromkeys(shard for g in groups for shard, _, _ in self._pieces(order, g)))

    def _shards_of(self, epoch: int) -> list[int]:
        def make() -> list[int]:
            if not self._shuffle:
                return self._filled
            return [self._filled[i] for i in self._shuffled(len(self._filled), "shards", epoch).tolist()]

        return self._epochs.get(epoch, make)

    def _bounds_of(self, epoch: int) -> list[int]:
        """Where in the epoch each group begins, and the end."""

        def make() -> list[int]:
            order = self._shards_of(epoch)
            groups = len(order) + self._window - 1
            sizes = (sum(last - first for _, first, last in self._pieces(order, g)) for g in range(groups))
            return [0, *accumulate(sizes)]

        return self._bounds.get(epoch, make)

    def _pieces(self, order: list[int], group: int) -> list[tuple[int, int, int]]:
        """Shard, and from which of its shuffled lines to which, newest shard last."""
        window, pieces = self._window, []
        for place in range(max(0, group - window + 1), min(group + 1, len(order))):
            count, piece = self.counts[order[place]], group - place
            pieces.append((order[place], piece * count // window, (piece + 1) * count // window))
        return pieces

    def _group(self, epoch: int, group: int) -> torch.Tensor:
        def make() -> torch.Tensor:
            pieces = self._pieces(self._shards_of(epoch), group)
            numbers = torch.cat([self.bases[s] + self._lines_of(epoch, s)[first:last] for s, first, last in pieces])
            return numbers[self._shuffled(len(numbers), "group", epoch, group)]

        return self._mixed.get((epoch, group), make)

    def _lines_of(self, epoch: int, shard: int) -> torch.Tensor:
        return self._lines.get((epoch, shard), lambda: self._shuffled(self.counts[shard], "lines", epoch, shard))

    def _shuffled(self, count: int, *purpose: int | str) -> torch.Tensor:
        return torch.randperm(count, generator=torch.Generator().manual_seed(derive(self._seed, *purpose)))


class Kept(Generic[T]):
    """The last few results of a pure function."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Hashable, T] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        if key not in self._values:
            self._values[key] = make()
            while len(self._values) > self._most:
                self._values.popitem(last=False)
        self._values.move_to_end(key)
        return self._values[key]
