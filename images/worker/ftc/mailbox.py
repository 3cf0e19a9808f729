"""What the control link has learned, for the training thread to read or wait for.

The newest generation wins, always: what is at or below the newest is dropped on arrival.
"""

from __future__ import annotations

import threading

from .errors import Leave
from .messages import Generation


class Mailbox:
    """Shared by the link's thread (writes) and the training thread (reads, waits)."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._newest: Generation | None = None
        self._now = -1
        self._stop_job = False
        self._leave = False

    def deliver(self, generation: Generation) -> bool:
        """Takes a generation. False: it is not newer than what is known, and was dropped."""
        with self._changed:
            if self._newest is not None and generation.generation <= self._newest.generation:
                return False
            self._newest = generation
            if generation.when == "now":
                self._now = generation.generation
            self._changed.notify_all()
            return True

    def request_leave(self, *, whole_job: bool) -> None:
        """SIGTERM (this worker leaves) or the master's `stop` (all do)."""
        with self._changed:
            self._leave = True
            self._stop_job = self._stop_job or whole_job
            self._changed.notify_all()

    @property
    def leave_flag(self) -> int:
        """What travels with the reduction: 0 stay, 1 this worker leaves, 2 the whole job stops."""
        return 2 if self._stop_job else 1 if self._leave else 0

    @property
    def newest(self) -> int:
        """Number of the newest generation known; -1 before the first."""
        return -1 if self._newest is None else self._newest.generation

    def superseded(self, generation: int) -> bool:
        """Whether `generation` must be left at once."""
        return self._now > generation

    def wait(self, at_least: int) -> Generation:
        """Blocks until a generation of that number or above is known. Raises Leave when this worker is to stop."""
        with self._changed:
            while True:
                if self._leave:
                    raise Leave
                if self._newest is not None and self._newest.generation >= at_least:
                    return self._newest
                self._changed.wait()
