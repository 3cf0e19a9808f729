"""Files of a volume into which somebody else may have put something: opened only where they are plain files, never through a link,
and without waiting for whoever should be at the other end of a FIFO.

The master counts no link as a file either, and prunes what it leads to.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

ODD = (errno.ELOOP, errno.ENXIO, errno.EISDIR, errno.ENODEV)
"""What the kernel says of links, of a FIFO without a reader, of folders and devices."""


class NotPlain(OSError):
    """There is something under this name, and it is no plain file."""

    def __init__(self, path: str | Path) -> None:
        super().__init__(errno.EINVAL, f"{Path(path).name} is no plain file", str(path))


def itself(path: str | Path, flags: int) -> int:
    """Opens it; also as the opener of `open`. Raises NotPlain, OSError."""
    try:
        fd = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o644)
    except OSError as error:
        if error.errno in ODD:
            raise NotPlain(path) from None
        raise
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise NotPlain(path)
    return fd


def read(path: Path, most: int) -> bytes:
    """All of it. Raises OSError, and ValueError where it is larger than `most` bytes."""
    with open(path, "rb", opener=itself) as file:
        text = file.read(most + 1)
    if len(text) > most:
        raise ValueError(f"{path.name} has more than {most} bytes")
    return text
