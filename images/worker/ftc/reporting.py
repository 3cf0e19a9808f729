"""What a script logs: a line for each committed step, and the last values for the job's end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .metrics_log import MetricsLog
from .messages import Note
from .runtime import Runtime

if TYPE_CHECKING:
    from .loop import Loop


class Reporting:
    """One worker's. Of a step's slices those values count that slice 0 logs: they do not depend on who carries what."""

    def __init__(self, runtime: Runtime) -> None:
        self._progress = runtime.progress
        self._file = MetricsLog(runtime.config.checkpoint_dir / "metrics.jsonl", lambda text: runtime.link.send(Note("warn", text)))
        self._line: dict[str, float] = {}
        self._pending: dict[str, float] = {}
        self._open = False
        self.last: dict[str, float] = {}
        """The last finite value of every name."""
        self.newest: dict[str, float] = {}
        """Of the newest step that logged something."""

    def log(self, metrics: dict[str, float], loop: Loop | None) -> None:
        if loop is not None and loop.loss is not None:
            self._pending.update(metrics)  # what was reduced is known, and is about to be committed
        elif loop is None or not loop.in_slice:
            self._line.update(metrics)
            self._remember(metrics)
        elif loop.in_first_slice:
            self._pending.update(metrics)

    def begin_attempt(self) -> None:
        self._pending = {}

    @property
    def pending(self) -> dict[str, float]:
        """What the first slice has logged so far."""
        return self._pending

    def heard(self, logged: dict[str, float]) -> None:
        """From who ran the first slice, with the reduction: any worker can write the step's line."""
        self._pending = dict(logged)

    def committed(self) -> None:
        """The step's slices count now. What is logged from here on, until `close`, belongs to it too."""
        self._line, self._pending = dict(self._pending), {}
        self._remember(self._line)
        self._open = True

    def close(self) -> None:
        """The script has done what it does after a commit: the line is complete."""
        if not self._open:
            return
        self._open = False
        if self._line:
            progress = self._progress
            self.newest = dict(self._line)
            facts: dict[str, float | int | None] = {"epoch": progress.epoch, "samples": progress.samples, "loss": progress.loss}
            self._file.note(progress.step, {**facts, **self._line})
        self._line = {}

    def _remember(self, metrics: dict[str, float]) -> None:
        self.last.update((name, value) for name, value in metrics.items() if value - value == 0)  # finite

    def entered(self, rank: int) -> None:
        """This worker is a member of a new generation."""
        if rank == 0:
            self._file.lead()
        else:
            self._file.follow()

    def returned(self, rank: int) -> None:
        """All members have gone back to an older state: what was logged since is not what it would have been, and comes again."""
        self._open, self._line, self._pending, self.newest = False, {}, {}, {}
        self._file.returned(self._progress.step, leads=rank == 0)

    def owe(self, step: int) -> None:
        """This worker is the lowest rank that has committed that step itself, and is not rank 0: it alone can write the step's line."""
        self._file.owe(step)

    def settle(self) -> None:
        """Before others take this worker's state, who know nothing of earlier lines: those are in the file when this returns."""
        self._file.settle()

    def flush_to_disk(self) -> None:
        """Before a checkpoint is published: lines up to its step are as durable as it is."""
        self._file.flush_to_disk()

    def of_step(self) -> dict[str, float]:
        """What a checkpoint of the newest step says of it: what was logged, and the loss."""
        loss = self._progress.loss
        return {**({} if loss is None else {"loss": loss}), **self.newest}
