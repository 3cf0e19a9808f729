"""What Linux can do with files and Python has no name for."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)

AT_FDCWD = -100
RENAME_EXCHANGE = 2
UNABLE = (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP)
"""What a kernel or a file system says that does not know a call."""


def exchange(one: Path, other: Path) -> bool:
    """Swaps what two names stand for, in one act. False where this kernel or file system cannot. Raises OSError."""
    try:
        call = _libc.renameat2
    except AttributeError:
        return False
    if call(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE) == 0:
        return True
    return _unable(str(other))


def reserve(fd: int, size: int) -> None:
    """Room for so many bytes from the file's beginning, so that a full disk shows before anything is written.

    Does nothing where it cannot be had in advance. Raises OSError where there is not enough.
    """
    if size > 0 and _libc.fallocate(fd, 0, ctypes.c_long(0), ctypes.c_long(size)) != 0:
        _unable(None)


def _unable(path: str | None) -> bool:
    number = ctypes.get_errno()
    if number in UNABLE:
        return False
    raise OSError(number, os.strerror(number), path)
