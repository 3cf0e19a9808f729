"""What a script may hand to `batches`: tensors, a map-style dataset, or shards; and what it gets back a slice at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch

from .errors import UsageError
from .slices import Order, Plan
from .state import Stateful


class Data:
    """Tensors whose first dimension counts samples: `Data(x, y)`. Any number of them."""

    def __init__(self, *tensors: torch.Tensor) -> None:
        if not tensors or any(len(t) != len(tensors[0]) for t in tensors):
            raise UsageError(f"Data needs tensors of one length, not {[tuple(t.shape) for t in tensors]}")
        self.tensors = tensors

    def __len__(self) -> int:
        return len(self.tensors[0])

    def fetch(self, indices: torch.Tensor) -> tuple[Any, ...]:
        return tuple(tensor[indices.to(tensor.device)] for tensor in self.tensors)


class Source(Protocol):
    """Samples by number. `fetch` runs under the slice's random state, so augmentation repeats with its step."""

    def __len__(self) -> int: ...

    def fetch(self, indices: torch.Tensor) -> tuple[Any, ...]: ...


class MapStyle:
    """A torch map-style dataset, collated as a DataLoader would."""

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset

    def __len__(self) -> int:
        return len(self._dataset)

    def fetch(self, indices: torch.Tensor) -> tuple[Any, ...]:
        return collated([self._dataset[i] for i in indices.tolist()])


def collated(samples: list[Any]) -> tuple[Any, ...]:
    """As a DataLoader would: the parts of a batch."""
    from torch.utils.data import default_collate

    parts = default_collate(samples)
    return tuple(parts) if isinstance(parts, (list, tuple)) else (parts,)


@runtime_checkable
class Ordered(Source, Protocol):
    """Samples that are to be read in an order of their own, such as one that suits where they lie."""

    def reading(self, plan: Plan) -> Reading: ...


class Reading(Order, Stateful, Protocol):
    """That order; its state is how a job that goes on knows that the data is still the same."""

    def position(self, step: int) -> tuple[str, int]:
        """Where the first sample of the step after `step` committed ones is: a name, and a number in that."""


@dataclass(frozen=True)
class Batch:
    """One virtual rank's slice of a step. Unpacks into its parts: `x, y = batch`."""

    parts: tuple[Any, ...]
    indices: torch.Tensor

    @property
    def x(self) -> Any:
        return self.parts[0]

    @property
    def y(self) -> Any:
        return self.parts[1]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.parts)

    def __len__(self) -> int:
        return len(self.indices)


def as_source(data: Any) -> Source:
    """Raises UsageError for what has neither tensors nor samples by number, or has no samples."""
    source: Source
    if isinstance(data, torch.Tensor):
        source = Data(data)
    elif isinstance(data, (tuple, list)) and data and all(isinstance(item, torch.Tensor) for item in data):
        source = Data(*data)
    elif isinstance(data, (Data, Ordered)):
        source = data
    elif hasattr(data, "__getitem__") and hasattr(data, "__len__"):
        source = MapStyle(data)
    else:
        raise UsageError(f"batches needs tensors, a tuple of tensors, a map-style dataset or ftc.ShardedDataset, not {type(data).__name__}")
    if len(source) == 0:
        raise UsageError("the data has no samples")
    return source


def to_device(parts: Any, device: torch.device) -> Any:
    """Moves tensors in nested tuples, lists and dicts."""
    if isinstance(parts, torch.Tensor):
        return parts.to(device)
    if isinstance(parts, (tuple, list)):
        return type(parts)(to_device(item, device) for item in parts)
    if isinstance(parts, dict):
        return {key: to_device(item, device) for key, item in parts.items()}
    return parts
