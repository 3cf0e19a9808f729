"""The directory in which a checkpoint is written until it is whole, and what is left of it when its writer was killed.

Its owner holds a lock (flock) on it as long as it lives: what is not locked is nobody's, and is removed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from .fence import try_lock, unlock

PREFIX = ".tmp-step-"
"""Others that write into the job's directory take other names for what is not whole yet."""


@contextlib.contextmanager
def scratch(root: Path, step: int, worker: str) -> Iterator[Path]:
    """A new, empty directory. What is there under its name in the end is removed."""
    while True:
        path = root / f"{PREFIX}{step:08d}-{worker}-{os.urandom(4).hex()}"
        path.mkdir()
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        if try_lock(fd) and path.is_dir():  # else taken for a dead writer's, just before it was locked
            break
        os.close(fd)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        unlock(fd)


def sweep(root: Path) -> None:
    """Removes what killed writers left. A living one's is not touched."""
    for path in root.glob(f"{PREFIX}*") if root.is_dir() else ():
        with contextlib.suppress(OSError):
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                if try_lock(fd, without=False):
                    shutil.rmtree(path, ignore_errors=True)
            finally:
                unlock(fd)
