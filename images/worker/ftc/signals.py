"""SIGTERM, seen at once whatever the training thread is in: Python's own handlers wait for it to return from C++."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable


def on_sigterm(first: Callable[[], None], second: Callable[[], None]) -> None:
    """Calls each from a thread of its own, at the first and the second SIGTERM. Call from the main thread."""
    out, into = socket.socketpair()
    into.setblocking(False)
    signal.set_wakeup_fd(into.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGTERM, lambda _number, _frame: None)

    def watch() -> None:
        seen = 0
        while data := out.recv(64):
            for number in data:
                if number == signal.SIGTERM:
                    seen += 1
                    (first if seen == 1 else second)()
        into.close()

    threading.Thread(target=watch, name="ftc-signals", daemon=True).start()
