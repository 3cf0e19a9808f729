"""The data of a training loop: where samples come from, in which order, and which of them a step takes."""

from __future__ import annotations

from typing import Any

from .checkpoint.manifest import Position
from .config import Config
from .data import Ordered, as_source
from .errors import UsageError
from .slices import Plan, Sampler

SLICE = 32
"""Samples a virtual rank where the script does not say."""


class Feeding:
    """What a script has handed over, read. Raises UsageError."""

    def __init__(self, data: Any, config: Config, batch_size: int | None, shuffle: bool, loading: dict[str, Any]) -> None:
        size = batch_size if batch_size is not None else SLICE * config.virtual_ranks
        if size < 1:
            raise UsageError(f"batch_size={size}: at least 1 is needed")
        self.source = as_source(data)
        self.plan = Plan(len(self.source), min(size, len(self.source)), config.virtual_ranks, config.seed, shuffle)
        self.reading = self.source.reading(self.plan) if isinstance(self.source, Ordered) else None
        self.sampler = Sampler(self.plan, self.reading)

    def position(self, step: int) -> Position | None:
        """Where the next sample is after so many steps; None for data without places of its own."""
        return None if self.reading is None else Position(*self.reading.position(step))
