"""Helper processes: what a script forks, and what it must not take along from the worker.

A forked process is a copy: of every open connection, so that the peers of a worker that dies would not see them close as long as
the copy lives; of the signal handlers, so that SIGTERM would not end it and would be told to the worker; of locks that threads
hold which do not exist in it. Whoever has something that must not be copied says so with `in_child`.

SIGTERM waits while a process is being forked: what comes before the copy has let go of the handlers ends it afterwards, as it would
in plain Python. Processes that begin with an exec (spawn, forkserver, subprocess) inherit no handlers and, of ftc's
descriptors, none: all have FD_CLOEXEC (descriptors.py).
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

from .errors import UsageError

_worker = 0
"""The worker's process; 0 where there is none yet."""

_mask = threading.local()
_actions: list[Callable[[], None]] = []


def install() -> None:
    """From here on this process is a worker, and what it forks is a helper. Once."""
    global _worker
    assert _worker == 0
    _worker = os.getpid()
    os.register_at_fork(before=_before, after_in_parent=_restore, after_in_child=_after)


def in_child(action: Callable[[], None]) -> None:
    """Is called in every process that the worker forks, before anything else runs there. Must take no lock."""
    _actions.append(action)


def in_helper() -> bool:
    """This process was forked from a worker."""
    return _worker not in (0, os.getpid())


def refuse(what: str) -> None:
    """Raises UsageError in a helper."""
    if in_helper():
        raise UsageError(
            f"{what} was called in process {os.getpid()}, which the script forked from the worker (process {_worker}): "
            "only the worker itself trains. Let the helper hand its results to the worker"
        )


def _before() -> None:
    _mask.before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def _restore() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _mask.before)


def _after() -> None:
    try:
        # Once: a helper that forks has nothing of the worker's any more, and may use the same numbers for its own files.
        while _actions:
            _actions.pop(0)()
    finally:
        _restore()
