"""The data of a training loop: where samples come from, in which order, and which of them a step takes."""

from __future__ import annotations

from typing import Any

from .checkpoint.manifest import Position
from .config import Config
from .data import Reading, as_source, plan_of
from .errors import UsageError
from .slices import Sampler

READING = "ftc.data"
"""The name in the job's state of what tells shards from other shards. No script can give it to anything."""


class Feeding:
    """What a script has handed over, read. Raises UsageError."""

    def __init__(self, data: Any, config: Config, batch_size: int | None, shuffle: bool, loading: dict[str, Any]) -> None:
        self.source = opened(data, config.seed, loading)
        self.plan = plan_of(self.source, config.virtual_ranks, config.seed, batch_size, shuffle)
        order = self.source.order(self.plan)
        self.reading = order if isinstance(order, Reading) else None
        self.sampler = Sampler(self.plan, order)

    def position(self, step: int) -> Position | None:
        """Where the next sample is after so many steps; None for data without places of its own."""
        return None if self.reading is None else Position(*self.reading.position(step))


def opened(data: Any, seed: int, loading: dict[str, Any]) -> Any:
    """The source. Raises UsageError, also for an option that no DataLoader has."""
    try:
        return as_source(data, seed=seed, **loading)
    except TypeError as error:
        if "unexpected keyword argument" not in str(error):
            raise
        raise UsageError(f"job.batches: {str(error).split('() ')[-1]}; it takes batch_size, shuffle and the options of a DataLoader") from None
