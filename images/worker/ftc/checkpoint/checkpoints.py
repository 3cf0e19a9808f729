"""When a checkpoint is due, what it says of itself, and the last one of a job. How it is written: publish.py."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import torch

from ..config import Config
from ..errors import FtcError
from ..group import Group
from ..link import Link
from ..messages import Note
from ..progress import Progress
from ..slices import Plan
from ..state import Registered, State
from . import loader_hole
from .durable import Clock
from .fence import hold
from .manifest import RULES, Manifest, Position
from .publish import point_latest
from .restore import Expected, belongs, detached, newest, newest_known
from .scratch import sweep
from .writer import Writer

FINAL_RETRY, FINAL_PATIENCE = 1.0, 60.0
"""Seconds: how often and how long the last checkpoint is tried where the disk does not take it."""
LOAD_PATIENCE = 5.0
"""Seconds for the lock after loading; what is done under it then can be done without."""


class Checkpoints:
    """One worker's view of the job's checkpoints."""

    def __init__(self, config: Config, link: Link, progress: Progress, own: Registered) -> None:
        self._config = config
        self._link = link
        self._progress = progress
        self._own = own
        self._plan: Plan | None = None
        self._position: Callable[[int], Position | None] = lambda step: None
        self._loaded: Manifest | None = None
        self._pending: State | None = None
        self._signature = own.signature()
        self._writer = Writer(config.checkpoint_dir, config.worker, link.send, self._warn)
        self._due_since: float | None = None
        own.before_change(self._writer.settle)
        self.digest = ""
        """Of the state at the end of training, once that is reached."""
        self.finished: str | None = None
        """Why training ended before its last step; None where it did not."""
        self.ends_at: Callable[[int], str | None] = lambda step: None
        """Why the script has ended training at a step, from the moment in which it has: whoever goes on from there ends, too."""
        self.metrics: Callable[[], dict[str, float]] = dict
        """What the script has logged of the newest step."""

    def before_publishing(self, act: Callable[[], None]) -> None:
        """`act` is called behind training, when a checkpoint is written and not published yet."""
        self._writer.before_publishing = act

    def attach(self, plan: Plan, position: Callable[[int], Position | None]) -> None:
        """The data is known. `position`: where the next sample is after so many steps. Raises FtcError where what was loaded before
        belongs to other data."""
        self._plan, self._position = plan, position
        if self._loaded is not None:
            belongs(self._config.checkpoint_dir, self._loaded, self._expected())

    def maybe(self, generation: int, *, final: bool, agreed: bool = True) -> None:
        """After a commit, on rank 0: starts one where it is due and none is in flight. The last is `finish`'s.

        Unless `agreed`, it is published when `agreed` was called.
        """
        writer, began = self._writer, time.perf_counter()
        if self._progress.step % self._config.checkpoint_every == 0 or writer.again:
            self._due_since = self._due_since or time.monotonic()
        if final or self._due_since is None:
            writer.prepare(self._own)
        elif not writer.busy:
            delayed, self._due_since = time.monotonic() - self._due_since, None
            writer.start(self._own, self._telling(generation), delayed=delayed, began=began, agreed=agreed)

    @property
    def waiting(self) -> bool:
        """One is under way whose state the replicas have not been compared in."""
        return self._writer.waiting

    def agreed(self, step: int) -> None:
        """After `step`, all replicas hold the same state: what was saved before it may be published."""
        self._writer.agree()

    def distrust(self) -> None:
        """What is under way is not published: the replicas differ, or nobody is left to compare it with."""
        self._writer.distrust()
        self._due_since = None

    def doubt(self) -> None:
        """What is under way may have been copied while a value in memory was wrong: one of the next step takes its place."""
        if self._writer.waiting:
            self._writer.distrust(again=True)

    def poll(self) -> None:
        """Between two slices."""
        self._writer.poll()

    def join(self, seconds: float | None = None) -> None:
        """Waits for the one that is being written. One that nobody has compared is not waited for."""
        if self._writer.waiting:
            self._writer.distrust()
        self._writer.join(seconds)

    def entered(self, group: Group) -> None:
        """This worker is a member of a new generation. With its rank 0, older ones publish no more."""
        self._writer.generation = group.generation
        if group.rank == 0:
            self._writer.lead(group.generation)
        else:
            self._due_since = None

    def save_now(self, generation: int) -> bool:
        """Returns when the state as it is now is durable. False: the disk did not take it."""
        self._progress.phase = "checkpoint"
        return self._writer.write(self._own, self._telling(generation))

    def save_if_newer(self, generation: int) -> bool:
        """Writes the state unless one of its step is there. True: there is one of this step now."""
        self._writer.join()
        there = self.newest()
        if there >= self._progress.step:
            return there == self._progress.step
        return self.save_now(generation)

    def finish(self, group: Group, finished: str | None = None) -> bool:
        """All members: rank 0 writes the last checkpoint, all return when it is durable. `finished`: why training ends early.

        Raises Broken, FtcError.
        """
        self.digest, self.finished = self._own.digest(), finished
        if group.rank == 0 and not self.is_final(self._progress.step):
            until = time.monotonic() + FINAL_PATIENCE
            while not self.save_now(group.generation):
                if self._writer.fenced:
                    break  # the group is no more, as the barrier says
                if time.monotonic() > until:
                    raise FtcError(f"{self._writer.problem}. It was the last one, and tried for {FINAL_PATIENCE:g} s")
                time.sleep(FINAL_RETRY)
        group.barrier()
        return True

    def is_final(self, step: int, *, at_least: bool = False) -> bool:
        """Whether the newest is the end of this very training; with `at_least`, or of a longer one."""
        there = newest_known(self._config.checkpoint_dir, self._config.job)
        if there is None:
            return False
        if at_least:
            return there.step >= step or there.finished is not None
        return there.step == step and there.digest == self.digest

    def reason_at(self, step: int) -> str | None:
        """Why training ended early at that step, where the newest says so."""
        there = newest_known(self._config.checkpoint_dir, self._config.job)
        return None if there is None or there.step != step else there.finished

    def newest(self) -> int:
        """The step of the newest, unverified; -1 where there is none."""
        there = newest_known(self._config.checkpoint_dir, self._config.job)
        return -1 if there is None else there.step

    def load(self, above: int = -1, generation: int = -1) -> int:
        """Restores the newest that verifies and is of a step above that. The step that this worker is at then. Raises FtcError.

        0 where there never was one and nothing is held. Then nobody holds anything, and nobody of another generation is at work.
        """
        root = self._config.checkpoint_dir
        if self.newest() >= 0:
            hole = loader_hole.warning(torch.__version__, outside=self._config.from_outside)
            if hole is not None:
                self._warn(hole)
        found = newest(root, self._expected(), self._warn, above)
        if found is not None:
            about, state = found
            self._loaded = about
            self._pending = state
            if self._own.fits(state):
                self.restore_pending()
            self._progress.step, self._progress.holds_state = about.step, True
            self.digest, self.finished = about.digest, about.finished
            self._link.send(Note("info", f"resuming from the checkpoint of step {about.step}", checkpoint={"what": "loaded", "step": about.step}))
        if root.is_dir():
            self._take_over(generation if above < 0 else -1, None if found is None else found[0])
        return max(above, 0) if found is None else found[0].step

    def restore_pending(self) -> None:
        """What was loaded, and had parameters that the model had not yet."""
        state, self._pending = self._pending, None
        if state is not None:
            self._own.restore(detached(state))

    def structure(self) -> int:
        """Of the model; another one where it cannot take yet what was loaded."""
        return self._own.structure() ^ (self._pending is not None)

    def _expected(self) -> Expected:
        config, size = self._config, None if self._plan is None else self._plan.batch_size
        return Expected(config.job, self._signature, config.seed, size, config.virtual_ranks, self._position)

    def _take_over(self, generation: int, loaded: Manifest | None) -> None:
        """LATEST names what was loaded. The volume may know of a newer generation than the master, where that lost its journal."""
        try:
            with hold(self._config.checkpoint_dir, LOAD_PATIENCE) as lock:
                if generation >= 0:
                    lock.claim(generation)
                if loaded is not None:
                    point_latest(self._config.checkpoint_dir, loaded, Clock())
            sweep(self._config.checkpoint_dir)
        except OSError as error:
            self._warn(f"{self._config.checkpoint_dir} can be read, but not written: {error.strerror or error}")

    def _warn(self, text: str, aside: int | None = None, /) -> None:
        self._link.send(Note("warn", text, checkpoint=None if aside is None else {"what": "set aside", "step": aside}))

    def _telling(self, generation: int) -> Callable[[], Manifest]:
        """Of the state as it is now; made when it is asked for."""
        progress = self._progress
        position = self._position(progress.step)
        ends = self.ends_at(progress.step)
        finished = self.finished if ends is None else ends
        return partial(self._about, generation, progress.step, progress.epoch, progress.samples, position, self.metrics(), finished)

    def _about(
        self,
        generation: int,
        step: int,
        epoch: int,
        samples: int,
        position: Position | None,
        metrics: dict[str, float],
        finished: str | None,
    ) -> Manifest:
        return Manifest(
            job=self._config.job,
            step=step,
            generation=generation,
            epoch=epoch,
            samples=samples,
            virtual_ranks=self._config.virtual_ranks,
            seed=self._config.seed,
            batch_size=0 if self._plan is None else self._plan.batch_size,
            torch=torch.__version__.split("+")[0],
            digest="",
            rules=RULES,
            signature=self._signature,
            created_at="",
            files={},
            data=position,
            metrics=metrics,
            finished=finished,
        )
