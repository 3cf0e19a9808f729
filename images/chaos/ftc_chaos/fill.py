"""The checkpoint volume is full: one file takes all that is free."""

from __future__ import annotations

import errno
import os
import time

from .act import Cannot, Spec
from .volume import VOLUME, folder, is_engines_own, make, mark, name, remove, room

BLOCK = 1 << 20
LOOK_AGAIN = 0.2
"""Seconds: what others remove meanwhile is taken, too."""


class Fill:
    """`id`, `job`. `look` tells the bytes that there are, and whose disk it is; `go` has `most`, what may be taken at most."""

    def __init__(self, spec: Spec) -> None:
        self.job, self.file = name(spec["job"]), mark(spec["id"])
        self.taken, self.most = 0, 0
        self.open = -1

    def look(self) -> Spec:
        total, free = room(VOLUME)
        return {"total": total, "free": free, "shared": is_engines_own(VOLUME)}

    def apply(self, go: Spec) -> Spec:
        self.most = int(go["most"])
        with folder(self.job, make=True) as job:
            self.open = make(self.file, job)
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
        if self.open != -1:
            os.close(self.open)  # what is open keeps its bytes
            self.open = -1
        remove(self.job, self.file)

    def take(self) -> None:
        """Block by block, then byte by byte of a page, until nothing is left."""
        for size in (BLOCK, 4096):
            while self.taken + size <= self.most:
                try:
                    os.posix_fallocate(self.open, self.taken, size)
                except OSError as error:
                    if error.errno in (errno.ENOSPC, errno.EDQUOT):
                        break
                    raise
                self.taken += size
