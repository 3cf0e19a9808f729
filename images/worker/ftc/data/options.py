"""A DataLoader's options, under a DataLoader's names."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch.utils.data import DataLoader

from ..errors import UsageError

PREFETCH = 2
"""Slices that each process prepares ahead where nothing else is said, as for a DataLoader."""


@dataclass(frozen=True)
class Loading:
    """How samples are loaded. None: not said. No number depends on any of it but on `collate_fn`.

    `num_workers`: processes that prepare the slices of coming steps, for each worker; 0: the training process does it.
    `collate_fn`: makes a batch of a list of samples. `pin_memory`: batches pass through page-locked memory.
    `worker_init_fn`: called in each process with its number. `prefetch_factor`: slices that each process prepares ahead.
    `persistent_workers`: the processes always live as long as the loop. `timeout`: seconds that a slice is waited for, 0: no
    limit. `multiprocessing_context`: how processes are started, such as "spawn".
    """

    num_workers: int | None = None
    collate_fn: Callable[[list[Any]], Any] | None = None
    pin_memory: bool | None = None
    worker_init_fn: Callable[[int], Any] | None = None
    prefetch_factor: int | None = None
    persistent_workers: bool | None = None
    timeout: float | None = None
    multiprocessing_context: Any = None

    def __post_init__(self) -> None:
        if self.num_workers is not None and self.num_workers < 0:
            raise UsageError(f"num_workers={self.num_workers}: at least 0 is needed")
        if self.prefetch_factor is not None and self.prefetch_factor < 1:
            raise UsageError(f"prefetch_factor={self.prefetch_factor}: at least 1 is needed")
        if self.timeout is not None and self.timeout < 0:
            raise UsageError(f"timeout={self.timeout}: seconds are needed, or 0 for no limit")

    @property
    def processes(self) -> int:
        return self.num_workers or 0

    @property
    def prefetch(self) -> int:
        return self.prefetch_factor if self.prefetch_factor is not None else PREFETCH

    def over(self, other: Loading) -> Loading:
        """What is said here, and where nothing is, what the other says."""
        own = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return dataclasses.replace(other, **{name: value for name, value in own.items() if value is not None})


def of_loader(loader: DataLoader[Any]) -> Loading:
    """A DataLoader's own options."""
    return Loading(
        num_workers=loader.num_workers,
        collate_fn=loader.collate_fn,
        pin_memory=loader.pin_memory,
        worker_init_fn=loader.worker_init_fn,
        prefetch_factor=loader.prefetch_factor or None,
        persistent_workers=loader.persistent_workers,
        timeout=loader.timeout,
        multiprocessing_context=loader.multiprocessing_context,
    )
