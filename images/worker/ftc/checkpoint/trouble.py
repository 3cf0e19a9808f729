"""Why a checkpoint was not published, in one sentence for a person."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from .fence import Busy, Fenced

FULL = (errno.ENOSPC, errno.EDQUOT)


def explain(error: BaseException, root: Path, step: int, needed: int) -> str:
    """`needed`: bytes of the state. Looks at the disk where that is what it is about."""
    if isinstance(error, Fenced):
        return f"the checkpoint of step {step} was not published: {error}"
    if not isinstance(error, OSError):
        return f"the checkpoint of step {step} was not written: {type(error).__name__}: {error}"
    reason = error.strerror or str(error)
    head = f"the checkpoint of step {step} could not be written to {root}: {reason}"
    if error.errno in FULL:
        return f"{head}; it needs {amount(needed)}, and {_free(root)} free there"
    if isinstance(error, Busy) or error.filename is None or Path(str(error.filename)) == root:
        return head
    return f"{head} ({Path(str(error.filename)).name})"


def code_of(error: BaseException) -> str:
    """What tells the kind of trouble, for programs: ENOSPC, or the exception's type."""
    number = error.errno if isinstance(error, OSError) else None
    return type(error).__name__ if number is None else errno.errorcode.get(number, str(number))


def amount(count: int) -> str:
    """Bytes as people read them: `512.3 MB`."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"


def _free(root: Path) -> str:
    while not root.exists() and root != root.parent:
        root = root.parent
    try:
        disk = os.statvfs(root)
    except OSError:
        return "an unknown amount is"
    return f"{amount(disk.f_bavail * disk.f_frsize)} are"
