"""The disk under the checkpoint volume is busy: a few processes write and sync, again and again, in one file of bounded size."""

from __future__ import annotations

import os
import signal
import time

from .act import Cannot, Spec
from .volume import VOLUME, folder, make, mark, name, remove, room

WRITE = 1 << 20


class Storm:
    """`id`, `job`, `writers`, `bytes`: what the file may take."""

    def __init__(self, spec: Spec) -> None:
        self.job, self.file = name(spec["job"]), mark(spec["id"])
        self.writers = int(spec["writers"])
        self.bytes = max(WRITE, int(spec["bytes"]))
        self.children: list[int] = []

    def look(self) -> Spec:
        total, free = room(VOLUME)
        return {"total": total, "free": free}

    def apply(self, go: Spec) -> Spec:
        if room(VOLUME)[1] < 4 * self.bytes:
            raise Cannot(f"the volume has no room for a file of {self.bytes} bytes")
        with folder(self.job, make=True) as job:
            file = make(self.file, job)
        for index in range(self.writers):
            child = os.fork()
            if child == 0:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                try:
                    write_forever(file, self.bytes, index)
                finally:
                    os._exit(0)
            self.children.append(child)
        os.close(file)
        return {"writers": self.writers}

    def hold(self, seconds: float) -> None:
        time.sleep(seconds)

    def revert(self) -> None:
        for child in self.children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        self.children = []
        remove(self.job, self.file)


def write_forever(file: int, size: int, index: int) -> None:
    block = os.urandom(WRITE)
    places = size // WRITE
    turn = index
    while True:
        os.pwrite(file, block, turn % places * WRITE)
        os.fdatasync(file)
        turn += 1
