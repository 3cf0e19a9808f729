"""Rendezvous: every worker hosts one TCPStore, and a generation meets at the one of a member that the master names."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from . import descriptors, sockets
from .errors import Broken
from .interruptible import GIVEN_UP, call

if TYPE_CHECKING:
    from torch._C._distributed_c10d import TCPStore

LONG = timedelta(days=1)
"""Waiting is ended by the master's word (see guard.py), not by a clock."""


def listen() -> socket.socket:
    """A listening socket on a free port of all addresses, made before torch is loaded so that the port is known early."""
    if socket.has_dualstack_ipv6():
        return descriptors.serve(socket.create_server(("::", 0), family=socket.AF_INET6, backlog=1024, dualstack_ipv6=True))
    return descriptors.serve(socket.create_server(("", 0), backlog=1024))


def serve(listening: socket.socket) -> TCPStore:
    """Starts this worker's store on that socket. Serves as long as the result lives. Debian's torch has no libuv."""
    from torch._C._distributed_c10d import TCPStore

    port = listening.getsockname()[1]
    before = set(sockets.descriptors().values())
    store = TCPStore(
        "localhost",
        port,
        is_master=True,
        timeout=LONG,
        wait_for_workers=False,
        master_listen_fd=listening.detach(),
        use_libuv=False,
    )
    descriptors.adopt(before, lambda found: found.remote_port == port and f"socket:[{found.inode}]" not in before)
    return store


def reach(host: str, port: int, given_up: Callable[[], bool]) -> TCPStore:
    """Connects to a member's store. Raises Broken when `given_up` says so.

    Where nobody listens, torch's own connecting would go on trying: it starts when a probe has got through.
    """
    while not _probe(host, port):
        if given_up():
            raise Broken(GIVEN_UP)
        time.sleep(0.02)
    return call(lambda: _connect(host, port), given_up)


def _connect(host: str, port: int) -> TCPStore:
    from torch._C._distributed_c10d import TCPStore

    store = TCPStore(host, port, None, False, timedelta(seconds=10), wait_for_workers=False, use_libuv=False)
    store.set_timeout(LONG)
    return store


def _probe(host: str, port: int) -> bool:
    try:
        descriptors.connect((host, port), timeout=0.2).close()
    except OSError:
        return False
    return True
