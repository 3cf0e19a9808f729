"""One checkpoint under way: copied, settled, written, and then published, failed or dropped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import torch

from .manifest import Manifest
from .shadow import Copy

UNANSWERED = 5.0
"""Seconds after which a copy is taken for exact without the training's word, where nothing has changed since: no operation
that was under way while the copy was made takes that long."""


class Dropped(Exception):
    """The state was changed while it was being copied: what was written is the state of no step."""


class Flight:
    """Settled once: by the thread that trains, or by the one that writes, where it waits for that in vain.

    Locks that are held until something has happened stand in for events, which take longer to make.
    """

    def __init__(self, about: Callable[[], Manifest], copy: Copy, delayed: float) -> None:
        """`delayed`: seconds that it was begun late."""
        self.about = about
        self.delayed = delayed
        self.stall = 0.0
        """Seconds that training stood still."""
        self.handed_over = time.perf_counter()
        self.ok = False
        self.changed: list[torch.Tensor] = []
        """The copies of what did not stay as it was."""
        self._copy: Copy | None = copy
        self._settling = threading.Lock()
        self._unsettled = threading.Lock()
        self._unsettled.acquire()
        self._in_flight = threading.Lock()
        self._in_flight.acquire()
        self._exact: bool | None = None

    @property
    def copying(self) -> bool:
        """It is not settled yet."""
        return self._copy is not None

    @property
    def copied(self) -> bool:
        """It is not settled yet, and can be without waiting."""
        copy = self._copy
        return copy is not None and not copy.done.locked()

    @property
    def landed(self) -> bool:
        """Published, failed or dropped."""
        return not self._in_flight.locked()

    def land(self) -> None:
        self._in_flight.release()

    def wait(self, seconds: float | None) -> None:
        """Returns when it has landed."""
        if self._in_flight.acquire(timeout=-1 if seconds is None else seconds):
            self._in_flight.release()

    def copy(self) -> None:
        """By the thread that writes."""
        if self._copy is not None:
            self._copy.run()

    def settle(self) -> None:
        """Before anything changes: waits for the copy, and sees whether it is exact."""
        with self._settling:
            copy = self._copy
            if copy is not None:
                with copy.done:
                    self._exact = copy.exact
                if not self._exact:
                    self.changed = copy.changed()
                self._copy = None
                self._unsettled.release()

    def check(self) -> None:
        """Raises Dropped where it is of no use any more."""
        if self._exact is False:
            raise Dropped

    def confirm(self) -> None:
        """Returns when the copy is known to be exact. Raises Dropped."""
        if self._unsettled.acquire(timeout=UNANSWERED):
            self._unsettled.release()
        else:
            self.settle()
        self.check()
