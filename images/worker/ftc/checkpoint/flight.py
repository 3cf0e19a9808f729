"""One checkpoint under way: copied, settled, written, and then published, failed or dropped."""

from __future__ import annotations

import threading
import time

import torch

from .publish import Draft
from .shadow import Copy

UNANSWERED = 5.0
"""Seconds after which a copy is taken for exact without the training's word, where nothing has changed since: no operation
that was under way while the copy was made takes that long."""


class Dropped(Exception):
    """The state was changed while it was being copied: what was written is the state of no step."""


class Flight:
    """Settled once: by the thread that trains, or by the one that writes, where it waits for that in vain."""

    def __init__(self, draft: Draft, copy: Copy, delayed: float) -> None:
        """`delayed`: seconds that it was begun late."""
        self.draft = draft
        self.delayed = delayed
        self.stall = 0.0
        """Seconds that training stood still."""
        self.handed_over = time.perf_counter()
        self.ok = False
        self.changed: list[torch.Tensor] = []
        """The copies of what did not stay as it was."""
        self.landed = threading.Event()
        self._copy: Copy | None = copy
        self._settling = threading.Lock()
        self._settled = threading.Event()
        self._exact = False

    @property
    def copying(self) -> bool:
        """It is not settled yet."""
        return self._copy is not None

    @property
    def copied(self) -> bool:
        """It is not settled yet, and can be without waiting."""
        return self._copy is not None and self._copy.done.is_set()

    def copy(self) -> None:
        """By the thread that writes."""
        if self._copy is not None:
            self._copy.run()


    def settle(self) -> None:
        """Before anything changes: waits for the copy, and sees whether it is exact."""
        with self._settling:
            if self._copy is not None:
                self._copy.done.wait()
                self._exact = self._copy.exact
                if not self._exact:
                    self.changed = self._copy.changed()
                self._copy = None
                self._settled.set()

    def check(self) -> None:
        """Raises Dropped where it is of no use any more."""
        if self._settled.is_set() and not self._exact:
            raise Dropped

    def confirm(self) -> None:
        """Returns when the copy is known to be exact. Raises Dropped."""
        if not self._settled.wait(UNANSWERED):
            self.settle()
        self.check()
