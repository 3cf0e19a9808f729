"""The disk under the checkpoint volume is busy: a few processes write and sync, again and again, in one file of bounded size."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from .act import Cannot, Spec
from .volume import VOLUME, ours, remove, room

WRITE = 1 << 20


class Storm:
    """`id`, `job`, `writers`, `bytes`: what the file may take."""

    def __init__(self, spec: Spec) -> None:
        self.file = ours(str(spec["job"]), str(spec["id"]))
        self.writers = int(spec["writers"])
        self.bytes = max(WRITE, int(spec["bytes"]))
        self.children: list[int] = []

    def look(self) -> Spec:
        total, free = room(VOLUME)
        return {"total": total, "free": free}

    def apply(self, go: Spec) -> Spec:
        if room(VOLUME)[1] < 4 * self.bytes:
            raise Cannot(f"the volume has no room for a file of {self.bytes} bytes")
        self.file.parent.mkdir(exist_ok=True)
        self.file.write_bytes(b"")
        for index in range(self.writers):
            child = os.fork()
            if child == 0:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                try:
                    write_forever(self.file, self.bytes, index)
                finally:
                    os._exit(0)
            self.children.append(child)
        return {"writers": self.writers}

    def hold(self, seconds: float) -> None:
        time.sleep(seconds)

    def revert(self) -> None:
        for child in self.children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        self.children = []
        remove(self.file)


def write_forever(path: Path, size: int, index: int) -> None:
    block = os.urandom(WRITE)
    places = size // WRITE
    with open(path, "r+b", buffering=0) as file:
        turn = index
        while True:
            os.pwrite(file.fileno(), block, turn % places * WRITE)
            os.fdatasync(file.fileno())
            turn += 1
