"""SIGTERM, seen at once whatever the training thread is in: Python's own handlers wait for it to return from C++.

The byte that Python's C handler writes to the wakeup descriptor tells a thread of it. There is one such descriptor in a process, and
asyncio takes it: `asyncio.run` with signal handlers sets its own and leaves none behind, and SIGTERM's default too where it
handled that. So the Python handler tells the same thread once more (the greater count is the true one), and `keep` puts back what
is missing, from the training thread. What the script handles by itself stays with the script, besides.

A thread in `sigwait` or a signalfd would need no descriptor, but SIGTERM blocked in all other threads. Whatever they start would
inherit that through exec, and could not be ended by SIGTERM.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable
from types import FrameType

from . import descriptors, forks

HANDLED = b"\0"
"""What the Python handler writes; the C handler writes the signal's number."""


class _Watch:
    """SIGTERM's, for the life of a worker."""

    def __init__(self, first: Callable[[], None], second: Callable[[], None]) -> None:
        out, into = socket.socketpair()
        into.setblocking(False)
        self._out, self._into = descriptors.own(out), descriptors.own(into)
        self._acts = (first, second)
        forks.in_child(self._forked)
        signal.signal(signal.SIGTERM, self._handle)
        self.keep_wakeup()
        threading.Thread(target=self._run, name="ftc-signals", daemon=True).start()

    def keep_handler(self) -> None:
        """Only what ends the worker at once is replaced: asyncio's leftover."""
        if signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
            signal.signal(signal.SIGTERM, self._handle)

    def keep_wakeup(self) -> None:
        """The script's own, such as that of an event loop that runs, goes first."""
        own = self._into.fileno()
        before = signal.set_wakeup_fd(own, warn_on_full_buffer=False)
        if before not in (-1, own):
            signal.set_wakeup_fd(before)

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        if forks.in_helper():  # it has put back what the worker had
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)
            return
        try:
            self._into.send(HANDLED)
        except BlockingIOError:
            pass

    def _run(self) -> None:
        seen = woken = handled = 0
        while data := self._out.recv(64):
            for byte in data:
                woken += byte == signal.SIGTERM
                handled += byte == HANDLED[0]
            while seen < max(woken, handled):
                seen += 1
                self._acts[min(seen, 2) - 1]()

    def _forked(self) -> None:
        if signal.getsignal(signal.SIGTERM) == self._handle:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        before = signal.set_wakeup_fd(-1)
        if before not in (-1, self._into.fileno()):
            signal.set_wakeup_fd(before)


_watch: _Watch | None = None


def on_sigterm(first: Callable[[], None], second: Callable[[], None]) -> None:
    """Calls each from a thread of its own, at the first and the second SIGTERM. Once, from the main thread."""
    global _watch
    _watch = _Watch(first, second)


def keep(*, wakeup: bool) -> None:
    """Puts back what the script's code has removed. From any thread; does something in the main thread only.

    `wakeup`: the wakeup descriptor too, which takes another's away for a moment: not at every step.
    """
    if _watch is not None and threading.current_thread() is threading.main_thread() and not forks.in_helper():
        _watch.keep_handler()
        if wakeup:
            _watch.keep_wakeup()
