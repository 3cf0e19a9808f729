"""A loader process, from the training process's side."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from multiprocessing.connection import Connection
from typing import Any

from ..slices import Slice
from .loader_process import Start, main

ENDING = 10.0
"""Seconds from the end of a process's pipes to its own."""


class Lost(Exception):
    """The process is gone."""


class Loader:
    """Started when it is made. `making`: what was asked of it and not answered, by its number, in order."""

    def __init__(self, start: Start, context: Any) -> None:
        self.number = start.number
        self.making: dict[int, Slice] = {}
        self._forgotten: set[int] = set()
        there, self._tasks = context.Pipe(duplex=False)
        self.results: Connection
        self.results, back = context.Pipe(duplex=False)
        self._process = context.Process(target=main, args=(start, there, back), name=f"ftc-loader-{start.number}", daemon=True)
        self._process.start()
        there.close()
        back.close()

    @property
    def pid(self) -> int:
        return int(self._process.pid)

    @property
    def load(self) -> int:
        return len(self.making)

    def make(self, number: int, wanted: Slice) -> None:
        """Raises Lost."""
        self.making[number] = wanted
        self._tell("make", number, wanted.step, wanted.virtual_rank, wanted.indices.tolist())

    def forget(self, numbers: Iterable[int]) -> None:
        """No answer to these is of use any more. Raises Lost."""
        dropped = [number for number in numbers if self.making.pop(number, None) is not None]
        if dropped:
            self._forgotten.update(dropped)
            self._tell("forget", dropped)

    def answer(self) -> tuple[Slice, str, Any] | None:
        """The next one, waited for; None where it is to something forgotten. Raises Lost."""
        try:
            number, kind, what = self.results.recv()
        except (EOFError, ConnectionError, FileNotFoundError):  # or its tensors, on their way, went with the process
            raise Lost from None
        if number in self._forgotten:
            self._forgotten.discard(number)
            return None
        return self.making.pop(number), kind, what

    def why(self) -> str:
        """How it ended."""
        self._process.join(ENDING)
        code = self._process.exitcode
        if code is None:
            return "closed its pipes"
        if code >= 0:
            return f"ended with exit code {code}"
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        hints = {"SIGKILL": "did the container run out of memory?", "SIGBUS": shared_memory()}
        return f"was ended by {name}{f' ({hints[name]})' if name in hints else ''}"

    def end(self) -> None:
        self._process.kill()
        self._process.join()
        self.results.close()
        self._tasks.close()

    def _tell(self, *message: Any) -> None:
        try:
            self._tasks.send(message)
        except OSError:
            raise Lost from None


def shared_memory() -> str:
    """What to say where a process could not write what it shares."""
    try:
        there = os.statvfs("/dev/shm")
    except OSError:
        return "is /dev/shm there, through which it hands over its tensors?"
    free, size = there.f_bavail * there.f_frsize >> 20, there.f_blocks * there.f_frsize >> 20
    return f"/dev/shm, through which it hands over its tensors, has {size} MiB, {free} of them free: give the container more (shm_size)"
