"""How long to try again, how often, and when to say so."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from .errors import Unreachable
from .say import say

FIRST, MOST = 0.25, 10.0
"""Seconds between two tries: doubled from the first up to the most."""

TELL_AFTER, TELL_EVERY = 2.0, 60.0
"""Seconds of trying after which it is said, and between two times that it is."""

_dice = random.SystemRandom()  # the shared generators belong to the training step


class Patience:
    """Of one download or listing. Whatever comes through starts it anew."""

    def __init__(
        self,
        what: str,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        tell: Callable[[str], None] = lambda text: say("warn", text),
    ) -> None:
        self._what = what
        self._seconds = seconds
        self._clock = clock
        self._sleep = sleep
        self._tell = tell
        self._tries = 0
        self._since: float | None = None
        self._told: float | None = None

    def progressed(self) -> None:
        if self._told is not None and self._since is not None:
            self._tell(f"{self._what} answers again, after {self._clock() - self._since:.0f} s")
        self._tries, self._since, self._told = 0, None, None

    def failed(self, reason: str) -> None:
        """Waits a moment. Raises Unreachable once nothing has come through for as long as the patience lasts."""
        now = self._clock()
        if self._since is None:
            self._since = now
        waited = now - self._since
        if waited >= self._seconds:
            raise Unreachable(f"{self._what} could not be read for {waited:.0f} s: {reason}")
        if waited >= TELL_AFTER and (self._told is None or now - self._told >= TELL_EVERY):
            self._told = now
            self._tell(f"waiting for {self._what}, for at most {self._seconds - waited:.0f} s more: {reason}")
        pause = min(FIRST * 2.0**self._tries, MOST) * _dice.uniform(0.5, 1.0)
        self._tries += 1
        self._sleep(min(pause, max(self._seconds - waited, 0.0)))
