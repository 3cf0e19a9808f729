"""How a slice is made of a dataset: the same work in the training process and in a loader process."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch.utils.data import Subset, default_collate

from ..errors import UsageError
from ..slices import Slice
from .randomness import SampleStates


@dataclass(frozen=True)
class Recipe:
    """`confirm`, of a dataset that can change under the job, looks whether these samples are still what they were."""

    dataset: Any
    collate_fn: Callable[[list[Any]], Any] | None
    seed: int
    confirm: Callable[[list[int]], None] | None = None

    def make(self, wanted: Slice) -> Any:
        """Sets the random state before each sample, and before collating."""
        numbers: list[int] = wanted.indices.tolist()
        states = SampleStates(self.seed, wanted.step, wanted.virtual_rank, len(numbers))
        try:
            samples = self._samples(numbers, states)
        finally:  # also where reading failed: somebody who writes to a shard explains whatever was read there
            if self.confirm is not None:
                self.confirm(numbers)
        states.collate()
        return (self.collate_fn or default_collate)(samples)

    def _samples(self, numbers: list[int], states: SampleStates) -> list[Any]:
        """One at a time, unless the dataset has a way of its own to give many: then all in the state of the first."""
        if gives_many(self.dataset):
            states.sample(0)
            return list(self.dataset.__getitems__(numbers))
        samples = []
        for position, number in enumerate(numbers):
            states.sample(position)
            try:
                samples.append(self.dataset[number])
            except NotImplementedError as error:
                if len(traceback.extract_tb(error.__traceback__)) > 2:
                    raise  # from further inside, such as an operator without a kernel
                raise UsageError(not_by_number(self.dataset)) from error
        return samples


def gives_many(dataset: Any) -> bool:
    """A Subset has `__getitems__` whatever it is a subset of; it helps only where that has it too."""
    while type(dataset) is Subset:
        dataset = dataset.dataset
    return callable(getattr(dataset, "__getitems__", None))


def not_by_number(dataset: Any) -> str:
    return (
        f"{type(dataset).__name__} gives no samples by number (its __getitem__ is not implemented): job.batches needs a "
        "map-style dataset, one with __getitem__(number) and __len__, or ftc.ShardedDataset for samples that lie in files"
    )


def collated(samples: list[Any]) -> tuple[Any, ...]:
    """As a DataLoader would: the parts of a batch."""
    parts = default_collate(samples)
    return tuple(parts) if isinstance(parts, (list, tuple)) else (parts,)
