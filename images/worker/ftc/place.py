"""Where in the data a step is, as a worker's heartbeats tell it: known once the script has handed over its data."""

from __future__ import annotations

from .progress import Progress
from .slices import Plan


class Place:
    """`plan` is None before the script has called `batches` or `steps`."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.plan: Plan | None = None

    def at(self, step: int) -> None:
        """The worker has committed so many steps."""
        if self.plan is not None:
            self._progress.samples = self.plan.samples_after(step)
            self._progress.epoch = self.plan.epoch_of(step)
