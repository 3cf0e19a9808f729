"""A standby that takes the state from time to time, while it waits in `batches`.

It follows one member, not rank 0 (which writes the checkpoints) unless that is alone, and loads each snapshot into the
script's objects: nothing uses them meanwhile. So its promotion moves only what has changed since, and when all ranks are lost
at once, training goes on from here.
"""

from __future__ import annotations

import socket
import threading
import zlib
from collections.abc import Callable

from . import descriptors, feed
from .config import Config
from .errors import Broken, FtcError
from .interruptible import call
from .membership_proof import Key
from .messages import Generation, Member
from .packing import tensors_of, unpack
from .place import Place
from .progress import Progress
from .state import Registered
from .store import reach

AGAIN = 0.2
"""Seconds before a member that could not be followed is tried again."""


class Standby:
    """`follow` and `rest` are the training thread's. Snapshots are loaded by a thread of this class, between the two."""

    def __init__(self, config: Config, key: Callable[[], Key], progress: Progress, own: Registered, place: Place) -> None:
        self._config = config
        self._key = key
        self._progress = progress
        self._own = own
        self._place = place
        self._changed = threading.Condition()
        self._loading = threading.Lock()
        self._target: Member | None = None
        self._sock: socket.socket | None = None
        self._problem: FtcError | None = None
        self._thread: threading.Thread | None = None

    @property
    def following(self) -> bool:
        return self._target is not None

    def follow(self, generation: Generation) -> None:
        """This worker is no member of it: a member is to feed it from now on."""
        target = choose(generation, self._config.worker)
        with self._changed:
            if target == self._target:
                return
            self._target = target
            self._part()
            self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="ftc-standby", daemon=True)
                self._thread.start()

    def rest(self) -> None:
        """Nothing is loaded any more when this returns. Raises FtcError where a snapshot did not fit the script's objects."""
        with self._changed:
            self._target = None
            self._part()
        with self._loading:
            if self._problem is not None:
                raise self._problem

    def _part(self) -> None:
        if self._sock is not None:
            try:
                self._sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._target is not None)
                target = self._target
            assert target is not None
            try:
                self._pull(target)
            except (OSError, RuntimeError, ValueError, Broken):
                pass  # the member is gone or changed: the next generation says, or it is tried again
            with self._changed:
                self._changed.wait_for(lambda: self._target != target, AGAIN)

    def _pull(self, target: Member) -> None:
        """Takes snapshots from one member until it or this standby's interest ends."""

        def elsewhere() -> bool:
            return self._target != target

        key = self._key()
        members_store = reach(target.host, target.store_port, elsewhere)
        port = int(call(lambda: members_store.get(key.name(feed.PORT)), elsewhere))
        del members_store
        with descriptors.connect((target.host, port), feed.PATIENCE) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            with self._changed:
                if elsewhere():
                    return
                self._sock = sock
            try:
                feed.greet(sock, self._config.job, key)
                sock.settimeout(None)
                while self._take(sock, target):
                    pass
            finally:
                with self._changed:
                    self._sock = None

    def _take(self, sock: socket.socket, target: Member) -> bool:
        step, loss, packed = feed.receive(sock)
        with self._loading:
            if self._target != target or self._problem is not None:
                return False
            progress = self._progress
            if progress.holds_state and step < progress.step:
                sock.sendall(feed.NOT)
                return True
            state = unpack(packed, copy=True, have=list(tensors_of(self._own.capture())))
            if not self._own.fits(state):  # the script changes the model when it trains: the promotion sees to that
                sock.sendall(feed.NOT)
                return True
            progress.holds_state = False  # until all of it is there
            try:
                self._own.restore(state)
            except FtcError as error:
                self._problem = error
                return False
            self._place.at(step)
            progress.loss = loss
            progress.step, progress.holds_state = step, True
        sock.sendall(feed.TAKEN)
        return True


def choose(generation: Generation, worker: str) -> Member | None:
    """Whom a standby follows: the same as long as the members are; not rank 0 unless it is alone."""
    members = generation.members[1:] or generation.members
    return members[zlib.crc32(worker.encode()) % len(members)] if members else None
