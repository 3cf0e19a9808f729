"""Who may publish. One worker at a time looks and renames, and none that belongs to a generation that is over.

`.lock` in the job's directory is locked (flock) for that moment. It holds the number of the newest generation whose rank 0 has
taken over: an older one is refused even before the newer has published anything. The lock is gone with the process that
held it. One that is frozen keeps it until it goes on, or until it is killed, as the supervisor does with everyone declared lost.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from . import plain

NAME = ".lock"
PATIENCE = 30.0
"""Seconds that a checkpoint waits for the lock before it is given up."""
AGAIN = 0.01
"""Seconds between two tries."""


class Fenced(Exception):
    """This worker's generation is over. The text says so to a person."""


class Busy(OSError):
    """Another worker does not let go of the lock."""

    def __init__(self, root: Path, seconds: float) -> None:
        super().__init__(errno.EWOULDBLOCK, f"another worker has held {root / NAME} for {seconds:g} s: it is frozen, or its disk hangs")


class Held:
    """The lock, while it is held. `generation`: of who took over last; -1 where nobody did."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self.generation = _number(os.pread(fd, 32, 0))

    def claim(self, generation: int) -> None:
        """From now on whoever is older is refused. Not synced: where the disk forgets it, all processes are dead, too."""
        if generation != self.generation:
            os.pwrite(self._fd, b"%-31d\n" % generation, 0)
            self.generation = generation

    def refuse_older(self, own: int) -> None:
        """Raises Fenced."""
        if self.generation > own:
            raise Fenced(f"generation {self.generation} has taken over, and this worker is still in generation {own}")


@contextlib.contextmanager
def hold(root: Path, patience: float = PATIENCE) -> Iterator[Held]:
    """The lock of a job's directory. Raises Busy, OSError."""
    until = time.monotonic() + patience
    while True:
        fd = plain.itself(root / NAME, os.O_RDWR | os.O_CREAT)
        try:
            while not try_lock(fd):
                if time.monotonic() >= until:
                    raise Busy(root, patience)
                time.sleep(AGAIN)
            if _is_at(fd, root / NAME):  # else somebody removed it meanwhile, and another may be locked by now
                yield Held(fd)
                return
        finally:
            unlock(fd)


def try_lock(fd: int, *, without: bool = True) -> bool:
    """False: another open file has it locked. `without`: the answer of a file system that knows no locks."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return False
        if error.errno not in (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL, errno.EBADF):
            raise
        return without
    return True


def unlock(fd: int) -> None:
    """Also where a forked child has the file open still."""
    with contextlib.suppress(OSError):
        fcntl.flock(fd, fcntl.LOCK_UN)
    os.close(fd)


def _is_at(fd: int, path: Path) -> bool:
    try:
        there = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return False
    own = os.fstat(fd)
    return (own.st_dev, own.st_ino) == (there.st_dev, there.st_ino)


def _number(text: bytes) -> int:
    try:
        return int(text)
    except ValueError:
        return -1
