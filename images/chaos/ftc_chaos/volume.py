"""Files of ours in the checkpoint volume, and the job's own: by names only, and never through a link.

Scripts write in the volume, too, and several jobs may share it: what they put there leads to no other job's files.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .act import Absent, Cannot

VOLUME = Path("/checkpoints")

ENGINES_OWN = Path("/etc/hostname")
"""The engine mounts it from its own folder: where that lies, its images and containers lie."""

NAME = re.compile(r"[\w.-]{1,255}", re.ASCII)


def name(text: object) -> str:
    """The text, if it stays in its folder as a file's name. Raises Cannot for a path, `..`, NUL and the like."""
    found = str(text)
    if NAME.fullmatch(found) is None or found in (".", ".."):
        raise Cannot(f"{found!r} is no name of a file")
    return found


def mark(fault: object) -> str:
    """What a fault's file or folder of ours is called, beside the job's checkpoints; no name that anybody takes for one."""
    return f".chaos-{name(fault)}"


@contextmanager
def folder(*names: object, make: bool = False) -> Iterator[int]:
    """A descriptor of a folder in the volume, each step on the way no link. Raises Absent where one is not there or is a link."""
    here = os.open(VOLUME, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for each in map(name, names):
            try:
                if make:
                    os.mkdir(each, dir_fd=here)
            except FileExistsError:
                pass
            try:
                inner = os.open(each, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
            except (FileNotFoundError, NotADirectoryError):
                raise Absent(f"there is no folder {each}") from None
            os.close(here)
            here = inner
        yield here
    finally:
        os.close(here)


def size_of(file: str, inside: int) -> int | None:
    """Bytes; None where there is no regular file of that name."""
    try:
        found = os.stat(file, dir_fd=inside, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def make(file: str, inside: int) -> int:
    """A descriptor of a new file. Raises FileExistsError where anything has its name, a link too."""
    return os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=inside)


def room(path: Path) -> tuple[int, int]:
    """Bytes in all, and bytes that are free for this user."""
    stat = os.statvfs(path)
    return stat.f_blocks * stat.f_frsize, stat.f_bavail * stat.f_frsize


def is_engines_own(path: Path) -> bool:
    return os.stat(path).st_dev == os.stat(ENGINES_OWN).st_dev


def clear(job: object, inner: str) -> None:
    """Removes a folder with its files. Harmless where it is gone, or is none."""
    try:
        with folder(job) as outside, folder(job, inner) as inside:
            for each in os.listdir(inside):
                os.unlink(each, dir_fd=inside)
            os.rmdir(inner, dir_fd=outside)
    except Absent:
        pass


def remove(job: object, file: str) -> None:
    """Harmless where it is gone, and its folder too."""
    try:
        with folder(job) as inside:
            os.unlink(file, dir_fd=inside)
    except (Absent, FileNotFoundError):
        pass
