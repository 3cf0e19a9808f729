"""Locks between the processes of a machine: the kernel lets go of them when their holder dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import Busy

AGAIN = 0.05
"""Seconds between two looks at a lock that somebody else holds."""


@contextmanager
def held(path: Path, *, wait: bool, pause: Callable[[float], None]) -> Iterator[None]:
    """The file's exclusive lock. Raises Busy where another holds it and `wait` is not asked for."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        while not exclusive(fd):
            if not wait:
                raise Busy(path.name)
            pause(AGAIN)
        yield
    finally:
        os.close(fd)


def exclusive(fd: int) -> bool:
    """Takes the lock if nobody else has any on this file."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False


def shared(fd: int) -> None:
    """Marks the file as in use, until it is closed. Waits for whoever looks whether it is."""
    fcntl.flock(fd, fcntl.LOCK_SH)
