"""What the script gets: one virtual rank's slice of a step."""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, KeysView, Mapping
from typing import Any

import torch


class Batch:
    """The samples of one slice. Unpacks into its parts: `x, y = batch`. A dict's values come by name: `batch["input_ids"]`, `model(**batch)`.

    `data` is what the dataset's collate function made of the samples, on the job's device; of tensors in memory a tuple of their rows.
    `parts` is a tuple: of the items where that is a tuple or a list, else with it as its only one. A part has shape (n, …) where collating
    stacks. `indices`: the samples' numbers, int64, shape (n,), on the CPU; `len` is n. n may differ by one from slice to slice, and is 1 or
    more. The first look at the contents puts the random state where the slice wants it.
    """

    def __init__(self, data: Any, indices: torch.Tensor, touched: Callable[[], None] | None = None) -> None:
        """`touched` is called once, before the contents are first looked at."""
        self._data = data
        self._touched = touched
        self.indices = indices

    @property
    def data(self) -> Any:
        if self._touched is not None:
            touched, self._touched = self._touched, None
            touched()
        return self._data

    @property
    def parts(self) -> tuple[Any, ...]:
        data = self.data
        return tuple(data) if isinstance(data, (tuple, list)) else (data,)

    @property
    def x(self) -> Any:
        """The first part."""
        return self.parts[0]

    @property
    def y(self) -> Any:
        """The second part. IndexError where there is only one."""
        return self.parts[1]

    def __getitem__(self, key: Any) -> Any:
        """Of `data`: by name from a dict, by number from a tuple."""
        return self.data[key]

    def __contains__(self, item: Any) -> bool:
        return item in self.data

    def keys(self) -> KeysView[Any]:
        return self._mapping().keys()

    def items(self) -> ItemsView[Any, Any]:
        return self._mapping().items()

    def __iter__(self) -> Iterator[Any]:
        return iter(self.parts)

    def __len__(self) -> int:
        return len(self.indices)

    def __repr__(self) -> str:
        return f"Batch({len(self)} samples)"

    def _mapping(self) -> Mapping[Any, Any]:
        data = self.data
        if not isinstance(data, Mapping):
            raise TypeError(f"this batch holds no names but {type(data).__name__}: its parts are batch.x, batch.y, batch.parts")
        return data
