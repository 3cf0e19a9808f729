"""The checkpoint volume is full: one file takes all that is free."""

from __future__ import annotations

import errno
import os
import time

from .act import Cannot, Spec
from .volume import VOLUME, is_engines_own, ours, remove, room

BLOCK = 1 << 20
LOOK_AGAIN = 0.2
"""Seconds: what others remove meanwhile is taken, too."""


class Fill:
    """`id`, `job`. `look` tells the bytes that there are, and whose disk it is; `go` has `most`, what may be taken at most."""

    def __init__(self, spec: Spec) -> None:
        self.file = ours(str(spec["job"]), str(spec["id"]))
        self.taken, self.most = 0, 0

    def look(self) -> Spec:
        total, free = room(VOLUME)
        return {"total": total, "free": free, "shared": is_engines_own(VOLUME)}

    def apply(self, go: Spec) -> Spec:
        self.most = int(go["most"])
        self.file.parent.mkdir(exist_ok=True)
        self.take()
        if room(VOLUME)[1] >= BLOCK:
            raise Cannot(f"the volume is not full with {self.taken} bytes, and more may not be taken")
        return {"bytes": self.taken, "free": room(VOLUME)[1]}

    def hold(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, LOOK_AGAIN))
            self.take()

    def revert(self) -> None:
        remove(self.file)

    def take(self) -> None:
        """Block by block, then byte by byte of a page, until nothing is left."""
        with open(self.file, "ab", buffering=0) as file:
            for size in (BLOCK, 4096):
                while self.taken + size <= self.most:
                    try:
                        os.posix_fallocate(file.fileno(), self.taken, size)
                    except OSError as error:
                        if error.errno in (errno.ENOSPC, errno.EDQUOT):
                            break
                        raise
                    self.taken += size
