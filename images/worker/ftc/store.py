"""Rendezvous: every worker hosts one TCPStore, and a generation meets at the one of a member that the master names."""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from .errors import Broken

if TYPE_CHECKING:
    from torch._C._distributed_c10d import TCPStore

GIVEN_UP = "a newer generation came"

LONG = timedelta(days=7)
"""Waiting is ended by the master's word (see guard.py), not by a clock."""


def listen() -> socket.socket:
    """A listening socket on a free port of all addresses, made before torch is loaded so that the port is known early."""
    if socket.has_dualstack_ipv6():
        return socket.create_server(("::", 0), family=socket.AF_INET6, backlog=1024, dualstack_ipv6=True)
    return socket.create_server(("", 0), backlog=1024)


def serve(listening: socket.socket) -> TCPStore:
    """Starts this worker's store on that socket. Serves as long as the result lives. Debian's torch has no libuv."""
    from torch._C._distributed_c10d import TCPStore

    port = listening.getsockname()[1]
    return TCPStore(
        "localhost",
        port,
        is_master=True,
        timeout=LONG,
        wait_for_workers=False,
        master_listen_fd=listening.detach(),
        use_libuv=False,
    )


def reach(host: str, port: int, given_up: Callable[[], bool]) -> TCPStore:
    """Connects to a member's store. Raises Broken when `given_up` says so.

    Torch's own connecting cannot be interrupted: it starts when a probe has got through, on a thread that is left to
    itself where the other side accepts and then says nothing.
    """
    while not _probe(host, port):
        if given_up():
            raise Broken(GIVEN_UP)
        time.sleep(0.02)
    reply: queue.SimpleQueue[TCPStore | RuntimeError] = queue.SimpleQueue()
    threading.Thread(target=_connect, args=(host, port, reply), name="ftc-store", daemon=True).start()
    while True:
        try:
            store = reply.get(timeout=0.005)
        except queue.Empty:
            if given_up():
                raise Broken(GIVEN_UP) from None
            continue
        if isinstance(store, RuntimeError):
            raise Broken(str(store))
        return store


def _connect(host: str, port: int, reply: queue.SimpleQueue[TCPStore | RuntimeError]) -> None:
    from torch._C._distributed_c10d import TCPStore

    try:
        store = TCPStore(host, port, None, False, timedelta(seconds=10), wait_for_workers=False, use_libuv=False)
        store.set_timeout(LONG)
        reply.put(store)
    except RuntimeError as error:
        reply.put(RuntimeError(str(error)))


def _probe(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=0.2).close()
    except OSError:
        return False
    return True
