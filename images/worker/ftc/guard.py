"""Lets the link's thread break the training thread out of a group, from the start of its meeting to its end."""

from __future__ import annotations

import threading
from collections.abc import Callable

from . import descriptors, forks, sockets


class Guard:
    """Watches over one generation's group. Only sockets to its members, opened since the guard was made, are touched.

    While its members are meeting, only connections to the meeting's store are: gloo ends the process when a connection that
    it is just accepting goes away. What meets over others then is left to itself (interruptible.py).
    `spared` tells the inodes that are never shut down (the control link's own). `own_store_port` is this worker's
    store: connections that others hold to it stay.
    """

    def __init__(self, generation: int, own_store_port: int, spared: Callable[[], set[int]]) -> None:
        self.generation = generation
        self.meeting = True
        self._own_store_port = own_store_port
        self._spared = spared
        self._all_before = set(sockets.descriptors().values())
        self._before = {sockets.inode(name) for name in self._all_before if sockets.is_socket(name)}
        self._peers: set[str] = set()
        self._store_port = 0
        self._lock = threading.Lock()
        self._released = threading.Event()
        self._tripped = False
        self._known = False
        self._on_trip: Callable[[], None] | None = None
        descriptors.claim(self._claims)

    def admit(self, peers: set[str], store_port: int) -> None:
        """The members' addresses, once they are resolved, and the port of the store that they meet at."""
        self._peers = peers
        self._store_port = store_port

    def met(self) -> None:
        """The meeting is over: what gloo has opened for it is known, and no other process may keep it."""
        self.meeting = False
        descriptors.adopt(self._all_before, self._claims)
        self._known = True

    def on_trip(self, action: Callable[[], None]) -> None:
        """A backend's own abort, called besides the shutting down of sockets."""
        self._on_trip = action

    @property
    def tripped(self) -> bool:
        return self._tripped

    def trip(self) -> None:
        """Breaks the group, from any thread, at once; and goes on breaking what is being connected until `release`."""
        with self._lock:
            if self._tripped or self._released.is_set():
                return
            self._tripped = True
        if self._on_trip is not None:
            self._on_trip()
        self.shut()
        threading.Thread(target=self._insist, name="ftc-abort", daemon=True).start()

    def shut(self) -> int:
        """One pass over the group's sockets: how many were shut down."""
        with self._lock:
            if self._released.is_set():
                return 0
            spared = self._spared() | self._before
            return sum(
                sockets.shut(found)
                for found in sockets.connections()
                if found.remote in self._peers
                and found.inode not in spared
                and found.local_port != self._own_store_port
                and (found.remote_port == self._store_port or not self.meeting)
            )

    def release(self) -> None:
        """The training thread has left the group: from here on nothing is touched any more."""
        with self._lock:
            self._released.set()
        if not self._known:
            descriptors.adopt(self._all_before, self._claims)

    def forked(self) -> None:
        """In a helper: its copy of the group is of no use."""
        self._tripped = True

    def _claims(self, found: sockets.Connection) -> bool:
        """This socket was opened for the meeting."""
        if self._known or found.inode in self._before:
            return False
        if found.state == sockets.LISTEN:
            return descriptors.native(found.fd)
        return found.remote in self._peers and (found.remote_port == self._store_port or descriptors.native(found.fd))

    def _insist(self) -> None:
        while not self._released.wait(0.005):
            self.shut()


class Guards:
    """The guard of the group that the training thread is in or meeting, if any."""

    def __init__(self) -> None:
        self.current: Guard | None = None
        forks.in_child(self._forked)

    def leave_below(self, generation: int, *, at_once: bool) -> None:
        """A generation came: breaks an older group if it must be left at once, and an older meeting in any case.

        Who waits for others in an older meeting may wait in vain: they may have gone straight to the newer one.
        """
        guard = self.current
        if guard is not None and guard.generation < generation and (at_once or guard.meeting):
            guard.trip()

    def stop_meeting(self) -> None:
        """This worker is to stop: ends a wait for others, not a step in progress."""
        guard = self.current
        if guard is not None and guard.meeting:
            guard.trip()

    def _forked(self) -> None:
        if self.current is not None:
            self.current.forked()
