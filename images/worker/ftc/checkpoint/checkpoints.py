"""When a checkpoint is due, what it says of itself, and the last one of a job. How it is written: publish.py."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from ..config import Config
from ..errors import FtcError
from ..group import Group
from ..link import Link
from .continues import continues
from .manifest import Manifest, Position
from ..messages import Note
from ..progress import Progress
from .publish import latest
from .restore import Expected, newest, sweep
from ..slices import Plan
from ..state import Registered
from .writer import Writer

FINAL_RETRY, FINAL_PATIENCE = 1.0, 60.0
"""Seconds: how often and how long the last checkpoint is tried where the disk does not take it."""


class Checkpoints:
    """One worker's view of the job's checkpoints."""

    def __init__(
        self,
        config: Config,
        link: Link,
        progress: Progress,
        own: Registered,
        plan: Plan,
        position: Callable[[int], Position | None] = lambda step: None,
    ) -> None:
        """`position`: where the next sample is after so many steps."""
        self._config = config
        self._link = link
        self._progress = progress
        self._own = own
        self._plan = plan
        self._position = position
        self._signature = own.signature()
        self._writer = Writer(config.checkpoint_dir, config.worker, link.send)
        self._due = False
        self.digest = ""
        """Of the state at the end of training, once that is reached."""

    def maybe(self, generation: int, *, final: bool) -> None:
        """After a commit, on rank 0: starts one where it is due and none is in flight. The last is `finish`'s."""
        self._due = self._due or self._progress.step % self._config.checkpoint_every == 0
        if self._due and not final and not self._writer.busy:
            self._due = False
            self._writer.start(self._own.capture(), self._about(generation))

    def save_now(self, generation: int) -> bool:
        """Returns when the state as it is now is durable. False: the disk did not take it."""
        self._progress.phase = "checkpoint"
        return self._writer.write(self._own.capture(), self._about(generation))

    def save_if_newer(self, generation: int) -> bool:
        """Writes the state unless one of its step is there. True: there is one of this step now."""
        self._writer.join()
        there = latest(self._config.checkpoint_dir)
        if there is not None and there.step >= self._progress.step:
            return there.step == self._progress.step
        return self.save_now(generation)

    def finish(self, group: Group) -> bool:
        """All members: rank 0 writes the last checkpoint, all return when it is durable. Raises Broken, FtcError."""
        self.digest = self._own.digest()
        if group.rank == 0 and not self.is_final(self._progress.step):
            until = time.monotonic() + FINAL_PATIENCE
            while not self.save_now(group.generation):
                if time.monotonic() > until:
                    raise FtcError(f"the last checkpoint could not be written to {self._config.checkpoint_dir}: is it full?")
                time.sleep(FINAL_RETRY)
        group.barrier()
        return True

    def is_final(self, step: int, *, at_least: bool = False) -> bool:
        """Whether LATEST is the end of this very training; with `at_least`, or of a longer one."""
        there = latest(self._config.checkpoint_dir)
        if there is None or there.job != self._config.job:
            return False
        return there.step >= step if at_least else there.step == step and there.digest == self.digest

    def newest(self) -> int:
        """The step of the newest, unverified; -1 where there is none."""
        there = latest(self._config.checkpoint_dir)
        return there.step if there is not None and there.job == self._config.job else -1

    def load(self, above: int = -1) -> int:
        """Restores the newest that verifies and is of a step above that. The step that this worker is at then. Raises FtcError.

        0 where there never was one and nothing is held.
        """
        if above < 0:
            sweep(self._config.checkpoint_dir)
        config, plan = self._config, self._plan
        expected = Expected(config.job, self._signature, config.seed, plan.batch_size, config.virtual_ranks)
        found = newest(config.checkpoint_dir, expected, lambda text: self._link.send(Note("warn", text)), above)
        if found is None:
            return max(above, 0)
        about, state = found
        self._own.restore(state)
        continues(about.step, about.data, self._position(about.step))
        self._progress.step, self._progress.holds_state = about.step, True
        self.digest = about.digest
        self._link.send(Note("info", f"resuming from the checkpoint of step {about.step}"))
        return about.step

    def _about(self, generation: int) -> Manifest:
        progress = self._progress
        return Manifest(
            job=self._config.job,
            step=progress.step,
            generation=generation,
            epoch=progress.epoch,
            samples=progress.samples,
            virtual_ranks=self._config.virtual_ranks,
            seed=self._config.seed,
            batch_size=self._plan.batch_size,
            torch=torch.__version__.split("+")[0],
            digest="",
            signature=self._signature,
            created_at="",
            files={},
            data=self._position(progress.step),
        )
