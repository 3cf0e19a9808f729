"""What does not verify is set aside: renamed, never deleted, so that a person can still look at it."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

TRIES = 1_000_000


def set_aside(directory: Path) -> str:
    """Renames a checkpoint to `.bad-<name>-<n>`; returns the new name. Raises OSError."""
    for n in range(1, TRIES):
        aside = directory.with_name(f".bad-{directory.name}-{n}")
        if not os.path.lexists(aside):
            with contextlib.suppress(FileExistsError):
                os.rename(directory, aside)
                return aside.name
    raise OSError(errno.EEXIST, "there is no name left to set it aside under", str(directory))
