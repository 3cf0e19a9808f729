"""Checkpoints behind the training: it stands still for a look at the state's structure, and for what is left to copy when the
next step commits. At most one is in flight.

A loop of one's own calls `start` between two steps, and `settle` before anything changes parameters or the optimizer's state.
"""

from __future__ import annotations

import queue
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import torch

from ..messages import CheckpointReport
from ..state import State
from .durable import Clock
from .fence import PATIENCE, Fenced, hold
from .flight import Dropped, Flight
from .manifest import Manifest
from .publish import Draft, Terms, publish
from .saving import bytes_of
from .shadow import Copy, Differs, Pairs, Shadow
from .trouble import code_of, explain


class Source(Protocol):
    """Where a state comes from: `Registered`."""

    def capture(self) -> State:
        """The state as it is; live tensors."""

    def lasting(self, path: Sequence[str | int]) -> bool:
        """Whether what stands at a place of it stays as it is until `settle` is called."""

    def glance(self) -> Callable[[], State] | None:
        """What gives the state as it is now when another thread calls it before `settle` is called. None: `capture` is needed."""

    @property
    def watched(self) -> list[torch.Tensor]:
        """Tensors that must not change before that, with `glance`."""


class Writer:
    """One worker's checkpoints. `report` is called for each, and `note` with what else a person should know, from another thread."""

    def __init__(
        self,
        root: Path,
        worker: str,
        report: Callable[[CheckpointReport], None],
        note: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._root = root
        self._worker = worker
        self._report = report
        self._note = note
        self._tasks: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._shadow: Shadow | None = None
        self._flight: Flight | None = None
        self._noted = False
        self._restless = False
        self.before_publishing: Callable[[], None] = lambda: None
        self.generation = -1
        """The newest that this worker is a member of. A draft of an older one is published as long as that is so."""
        self.again = False
        """The last one was dropped: the next is due at once."""
        self.problem = ""
        """Why the last one was not published."""
        self.fenced = False
        """It was because this worker's generation is over."""

    @property
    def busy(self) -> bool:
        """One is in flight: the next waits, training does not."""
        return self._flight is not None and not self._flight.landed

    def prepare(self, source: Source) -> None:
        """Has the memory made ready behind the training. Does nothing from the second time on."""
        if self._shadow is None:
            self._shadow = Shadow(source.capture(), source.lasting)
            self._do(self._shadow.touching())

    def start(
        self,
        source: Source,
        about: Callable[[], Manifest],
        *,
        delayed: float = 0.0,
        whole: bool = False,
        began: float | None = None,
        agreed: bool = True,
    ) -> None:
        """Begins a checkpoint of the state as it is now. Only while not busy. `about` is asked behind the training.

        `delayed`: seconds since it was due. `began`: when training stopped for it, where that was before, by time.perf_counter.
        With `whole`, all is copied at once. Unless `agreed`, it is published after `agree`. Raises UsageError for what a checkpoint
        cannot hold.
        """
        began = time.perf_counter() if began is None else began
        copy = self._take(source, whole or self.again)
        self.again = False
        flight = self._flight = Flight(about, copy, delayed, agreed)
        self._do(lambda: self._fly(flight))
        flight.stall += time.perf_counter() - began

    def write(self, source: Source, about: Callable[[], Manifest]) -> bool:
        """The same, but returns when it is durable: True, or False where it could not be written."""
        self.join()
        self.start(source, about, whole=True)
        self.join()
        return self._flight is not None and self._flight.ok

    @property
    def waiting(self) -> bool:
        """One is in flight of which it is not known yet whether all replicas hold its state."""
        return self._flight is not None and self._flight.waiting

    def agree(self) -> None:
        """All replicas hold the state of the one in flight."""
        if self._flight is not None:
            self._flight.agree()

    def distrust(self, again: bool = False) -> None:
        """The one in flight is not published, unless it was. `again`: the next is due at once."""
        if self._flight is not None:
            self._flight.distrust(again)

    def poll(self) -> None:
        """Between two things that training does: settles what can be settled without waiting, so that it is published soon."""
        if self._flight is not None and self._flight.copied:
            self.settle()

    def settle(self) -> None:
        """Parameters and the optimizer's state may change when this returns."""
        flight = self._flight
        if flight is not None and flight.copying:
            began = time.perf_counter()
            flight.settle()
            flight.stall += time.perf_counter() - began

    def join(self, seconds: float | None = None) -> None:
        """Waits for the one in flight."""
        self.settle()
        if self._flight is not None:
            self._flight.wait(seconds)

    def lead(self, generation: int) -> None:
        """This worker is rank 0 of it: whoever is of an older generation publishes no more. Does not wait."""

        def claim() -> None:
            try:
                with hold(self._root) as lock:
                    lock.claim(max(lock.generation, generation))
            except OSError:
                pass  # where nothing was ever published; the next publication claims it

        threading.Thread(target=claim, name="ftc-fence", daemon=True).start()

    def _do(self, task: Callable[[], None]) -> None:
        self._tasks.put(task)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="ftc-checkpoint", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while True:
            try:
                self._tasks.get()()
            except Exception:  # a mistake of ours: it must not end the thread that copies are waited for from
                traceback.print_exc()

    def _take(self, source: Source, whole: bool) -> Copy:
        before, lasting = self._flight, source.lasting
        if before is not None and before.changed and self._shadow is not None:
            self._restless = True
            self._shadow.restless(before.changed)
        later = None if whole or self._restless else source.glance()
        if later is not None:
            state = later
            return Copy(lambda: self._follow(state(), lasting)[1], source.watched)
        shadow, pairs = self._follow(source.capture(), lasting)
        rest = shadow.copy_at_once(pairs, whole=whole)
        return Copy(lambda: rest, rest.tensors)

    def _follow(self, state: State, lasting: Callable[[Sequence[str | int]], bool]) -> tuple[Shadow, Pairs]:
        """A shadow that has the structure of the state."""
        shadow = self._shadow
        if shadow is not None:
            try:
                return shadow, shadow.pair(state)
            except Differs:
                pass
        shadow = self._shadow = Shadow(state, lasting, None if shadow is None else shadow.memory)
        return shadow, shadow.pair(state)

    def _fly(self, flight: Flight) -> None:
        try:
            flight.copy()
            if self._shadow is None:
                raise Dropped  # what cannot be saved was met behind the training: it is made again, where that is seen
            self._publish(flight, Draft(self._shadow.state, flight.about()))
        except Dropped:
            self.again = flight.again or not flight.distrusted
            if flight.changed and not self._noted:
                self._noted = True
                self._note(
                    f"the checkpoint of step {flight.about().step} is made again after the next step: the script changed "
                    "parameters between two steps while they were being copied. Such parameters are copied at once from now on"
                )
        finally:
            flight.land()

    def _publish(self, flight: Flight, draft: Draft) -> None:
        about, clock = draft.about, Clock()
        size, error, code, self.fenced = 0, None, None, False

        def confirm() -> None:
            flight.confirm()
            self.before_publishing()

        terms = Terms(lambda: self.generation, flight.check, confirm, PATIENCE)
        try:
            size = publish(self._root, draft, self._worker, terms, clock)
        except Dropped:
            raise
        except Exception as problem:  # told, never raised: training goes on without this checkpoint
            self.fenced = isinstance(problem, Fenced)
            code = code_of(problem)
            error = explain(problem, self._root, about.step, bytes_of(draft.state))
        flight.ok, self.problem = error is None, error or ""
        self._report(
            CheckpointReport(
                step=about.step,
                generation=about.generation,
                ok=error is None,
                bytes=size,
                stall_ms=flight.stall * 1000,
                write_ms=(time.perf_counter() - flight.handed_over) * 1000,
                error=error,
                serialise_ms=clock.making * 1000,
                fsync_ms=clock.syncing * 1000,
                delayed_ms=flight.delayed * 1000,
                code=code,
            )
        )
