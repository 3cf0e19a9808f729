"""Which of this process's descriptors are ftc's own, and that no other process keeps them.

Python's sockets and torch's store have FD_CLOEXEC; gloo's sockets, epolls and pipes have not, until `adopt` sees to it. A process
that is forked without exec gets all of them nevertheless: `forked` takes the sockets away from it, and nothing else.

What the script opens is never touched. ftc's are: sockets that were handed to `own`, all at a port that ftc serves, and those that
`adopt` has found (or would find: a meeting may be under way while another thread forks).
"""

from __future__ import annotations

import os
import socket
import weakref
from collections.abc import Callable, Iterable

from . import forks, sockets

Claim = Callable[[sockets.Connection], bool]

_own: weakref.WeakSet[socket.socket] = weakref.WeakSet()
_served: set[int] = set()
_adopted: set[int] = set()
"""Inodes."""
_claim: Claim | None = None


def install() -> None:
    forks.in_child(forked)


def own(sock: socket.socket) -> socket.socket:
    """This socket is ftc's."""
    _own.add(sock)
    return sock


def serve(listening: socket.socket) -> socket.socket:
    """This listening socket is ftc's, with all that are accepted from it, even once it is handed over to torch."""
    _served.add(listening.getsockname()[1])
    return own(listening)


def connect(address: tuple[str, int], timeout: float) -> socket.socket:
    """`socket.create_connection` for a socket of ftc's: it is known to be from its first moment."""
    problem = OSError(f"{address[0]} has no address")
    for family, kind, protocol, _, where in socket.getaddrinfo(*address, type=socket.SOCK_STREAM):
        sock = own(socket.socket(family, kind, protocol))
        try:
            sock.settimeout(timeout)
            sock.connect(where)
            return sock
        except OSError as error:
            sock.close()
            problem = error
    raise problem


def claim(claimed: Claim) -> None:
    """What it says yes to is ftc's, until the next: for the time in which gloo opens sockets."""
    global _claim
    _claim = claimed


def adopt(before: set[str], claimed: Claim) -> None:
    """The sockets that `claimed` says yes to are ftc's. Nothing that native code has opened since `before` is left to an exec."""
    found = {socket.inode for socket in sockets.connections(sockets.ALL) if claimed(socket)}
    _adopted.intersection_update(sockets.inodes())
    _adopted.update(found)
    names = {f"socket:[{inode}]" for inode in found}
    for fd, name in sockets.descriptors().items():
        if name in names or (name not in before and name.startswith("pipe:")) or name == "anon_inode:[eventpoll]":
            try:
                os.set_inheritable(fd, False)
            except OSError:
                pass  # closed meanwhile


def native(fd: int) -> bool:
    """Opened by native code that leaves it to an exec, as gloo does and Python does not."""
    try:
        return os.get_inheritable(fd)
    except OSError:
        return False


def forked() -> None:
    """In a process that was just forked: another file takes the place of ftc's sockets.

    Not closed: objects that were copied along still think of these numbers as theirs, and would close what the process opens.
    """
    fds = set(_numbers())
    nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for fd in fds:
        os.dup2(nothing, fd, inheritable=False)
    os.close(nothing)


def _numbers() -> Iterable[int]:
    for sock in list(_own):
        if sock.fileno() >= 0:
            yield sock.fileno()
    for found in sockets.connections(sockets.ALL):
        if found.inode in _adopted or found.local_port in _served or (_claim is not None and _claim(found)):
            yield found.fd
