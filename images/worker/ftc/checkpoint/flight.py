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

    def __init__(self, about: Callable[[], Manifest], copy: Copy, delayed: float, agreed: bool = True) -> None:
        """`delayed`: seconds that it was begun late. Unless `agreed`, it is published after `agree`."""
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
        self._distrusted = False
        self.again = False
        """It was distrusted, and another one is to be made soon."""
        self._unagreed = threading.Lock()
        if not agreed:
            self._unagreed.acquire()

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

    @property
    def waiting(self) -> bool:
        """It is not known yet whether all replicas hold this state."""
        return self._unagreed.locked()

    def agree(self) -> None:
        """All replicas hold it."""
        if self._unagreed.locked():
            self._unagreed.release()

    def distrust(self, again: bool) -> None:
        """They do not, or nobody will say: it is not published, unless it was."""
        self._distrusted, self.again = True, again
        self.agree()

    @property
    def distrusted(self) -> bool:
        return self._distrusted

    def check(self) -> None:
        """Raises Dropped where it is of no use any more."""
        if self._exact is False or self._distrusted:
            raise Dropped

    def confirm(self) -> None:
        """Returns when the copy is known to be exact, and the replicas to agree on it. Raises Dropped."""
        if self._unsettled.acquire(timeout=UNANSWERED):
            self._unsettled.release()
        else:
            self.settle()
        self.check()
        with self._unagreed:
            self.check()
