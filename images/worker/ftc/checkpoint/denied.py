"""What this worker's user may not read: nothing is known of it, so it is neither loaded nor damaged, and nothing goes on without it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ..errors import FtcError


def denied(root: Path, error: PermissionError) -> FtcError:
    """Says whose the file is, and whose it must be."""
    path = Path(str(error.filename or root))
    user = f"{os.getuid()}:{os.getgid()}"
    return FtcError(
        f"{path} cannot be read: {_whose(path, user)}. Nothing was changed, and no older checkpoint was taken in its place. "
        f"Give it back: chown -R {user} and chmod -R u+rwX the volume, as root"
    )


def _whose(path: Path, user: str) -> str:
    while True:
        try:
            there = os.lstat(path)
            break
        except OSError:
            if path == path.parent:
                return f"{user}, as whom the workers run, may not look into it"
            path = path.parent  # what keeps it from sight is above it
    return f"{path} belongs to {there.st_uid}:{there.st_gid} (mode {stat.S_IMODE(there.st_mode):04o}), and the workers run as {user}"
