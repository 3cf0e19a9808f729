"""The shards that are open, and a thread that opens the next ones before they are needed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from .errors import Busy, NoRoom
from .fetch import Effort
from .readers import Reader

AHEAD_PATIENCE = 3.0
"""Seconds that a shard which nobody waits for yet is tried; whoever needs it has all of the patience after that."""

BUSY_AGAIN = 0.1
"""Seconds after which one that another worker was fetching is looked at again."""

LOOSE = 16
"""Shards kept open that nobody has announced a need for."""

AHEAD = Effort(wait=False, force=False, patience=AHEAD_PATIENCE)


class Pool:
    """`get`, `want` and `renew` are the training thread's. `open_shard` raises Busy, NoRoom and what is wrong with a shard."""

    def __init__(self, open_shard: Callable[[int, Effort], Reader], patience: float, outgrown: Callable[[], None]) -> None:
        self._open_shard = open_shard
        self._needed = Effort(wait=True, force=False, patience=patience)
        self._forced = Effort(wait=True, force=True, patience=patience)
        self._outgrown = outgrown
        self._changed = threading.Condition()
        self._open: dict[int, Reader] = {}
        self._opening: set[int] = set()
        self._now: list[int] = []
        self._ahead: list[int] = []
        self._later: set[int] = set()
        self._busy: set[int] = set()
        self._thread: threading.Thread | None = None

    def want(self, now: Sequence[int], ahead: Sequence[int]) -> None:
        """Closes all others, and has these opened in this order behind the caller's back."""
        with self._changed:
            if list(now) == self._now and list(ahead) == self._ahead:
                return
            self._now, self._ahead = list(now), list(ahead)
            self._later.clear()
            self._only({*now, *ahead})
            if ahead and self._thread is None:
                self._thread = threading.Thread(target=self._run, name="ftc-prefetch", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def get(self, shard: int) -> Reader:
        """Open until the next `want` without it. Raises DataError, Unreachable."""
        with self._changed:
            self._changed.wait_for(lambda: shard not in self._opening)
            if shard in self._open:
                return self._open[shard]
            self._opening.add(shard)
            self._only({*self._now, *self._ahead, *list(self._open)[-LOOSE:]})
        reader = None
        try:
            try:
                reader = self._open_shard(shard, self._needed)
            except NoRoom:
                pass
            if reader is None:
                reader = self._after_making_room(shard)
            return reader
        finally:
            self._opened(shard, reader)

    def renew(self, shard: int) -> None:
        """Opens it again, as if for the first time. Raises DataError where it is another now."""
        with self._changed:
            reader = self._open.pop(shard, None)
        if reader is not None:
            reader.close()
        self.get(shard)

    def _after_making_room(self, shard: int) -> Reader:
        """Without what was opened ahead; in the end the cache grows beyond its limit for what is in use."""
        with self._changed:
            self._ahead = []
            self._only(set(self._now))
        try:
            return self._open_shard(shard, self._needed)
        except NoRoom:
            self._outgrown()
        return self._open_shard(shard, self._forced)

    def _only(self, kept: set[int]) -> None:
        for shard in [shard for shard in self._open if shard not in kept]:
            self._open.pop(shard).close()

    def _opened(self, shard: int, reader: Reader | None) -> None:
        with self._changed:
            self._opening.discard(shard)
            if reader is not None:
                self._open[shard] = reader
            self._changed.notify_all()

    def _next(self) -> int | None:
        known = {*self._open, *self._opening, *self._later, *self._busy}
        return next((shard for shard in [*self._now, *self._ahead] if shard not in known), None)

    def _run(self) -> None:
        while True:
            with self._changed:
                while (shard := self._next()) is None:
                    if not self._changed.wait(BUSY_AGAIN if self._busy else None):
                        self._busy.clear()
                self._opening.add(shard)
            reader, busy = None, False
            try:
                reader = self._open_shard(shard, AHEAD)
            except Busy:
                busy = True
            except Exception:  # whoever needs the shard is told: it is opened again then
                pass
            with self._changed:
                if reader is None:
                    (self._busy if busy else self._later).add(shard)
                elif shard not in self._now and shard not in self._ahead:
                    reader.close()
                    reader = None
            self._opened(shard, reader)
