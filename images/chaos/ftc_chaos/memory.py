"""The memory of a worker, from beside it: where its tensors lie, by its own word, and their bytes.

This process shares the worker's PID namespace and has CAP_SYS_PTRACE. It has no right to the worker's files as root, so it opens
them as the worker's user (CAP_SETUID), which takes nothing of CAP_SYS_PTRACE away.
"""

from __future__ import annotations

import ctypes
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .act import Absent, Cannot

MAP = Path("/proc/1/root/tmp/ftc-memory.json")
"""In the root of the container's first process: images/worker/ftc/memory_map.py writes it."""

VERSION = 1

UNKNOWN = (
    "the worker does not tell where its tensors lie: it does not train yet, its image is of an older ftc, or torchrun launched it"
    " (only workers that train through ftc tell it)"
)

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Place:
    """A tensor, dense and contiguous, at an address of its process."""

    name: str
    kind: str
    dtype: str
    shape: tuple[int, ...]
    address: int
    bytes: int

    @property
    def count(self) -> int:
        count = 1
        for size in self.shape:
            count *= size
        return count

    @property
    def width(self) -> int:
        """Bytes of one element."""
        return self.bytes // self.count


@dataclass(frozen=True)
class Map:
    pid: int
    started: int
    owner: int
    places: tuple[Place, ...]

    @property
    def holds(self) -> bool:
        """Its process is the one that wrote it, and still says the same."""
        try:
            return read_map() == self
        except Absent:
            return False


def read_map() -> Map:
    """Raises Absent where there is none, or a dead process wrote it; Cannot where it may not be read."""
    try:
        owner = os.stat(MAP, follow_symlinks=False).st_uid
        with user(owner), os.fdopen(os.open(MAP, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            text = file.read()
    except FileNotFoundError:
        raise Absent(UNKNOWN) from None
    except OSError as error:
        raise refused(error) from None
    told = json.loads(text)
    if told["version"] != VERSION:
        raise Absent(UNKNOWN)
    places = tuple(Place(**{**place, "shape": tuple(place["shape"])}) for place in told["tensors"])
    found = Map(int(told["pid"]), int(told["started"]), owner, places)
    # Nobody but a process's own user has a say in where it is written to.
    if (found.started, owner) != identity(found.pid):
        raise Absent(UNKNOWN)
    return found


def identity(pid: int) -> tuple[int, int] | None:
    """When it began, and its user; None where there is no such process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return None
    owner = next(line for line in lines if line.startswith("Uid:")).split()[2]
    return int(fields[19]), int(owner)


class Memory:
    """Bytes of the process that wrote a map. Raises Absent where that has ended meanwhile."""

    def __init__(self, file: int) -> None:
        self.file = file

    def read(self, address: int, size: int) -> bytes:
        try:
            data = os.pread(self.file, size, address)
        except OSError as error:
            raise moved(error) from None
        if len(data) != size:
            raise Absent("the worker's process has just ended")
        return data

    def write(self, address: int, data: bytes) -> None:
        try:
            done = os.pwrite(self.file, data, address)
        except OSError as error:
            raise moved(error) from None
        if done != len(data):
            raise Absent("the worker's process has just ended")


@contextmanager
def memory_of(told: Map) -> Iterator[Memory]:
    """What is opened stays this process's memory, even if another gets its pid."""
    try:
        with user(told.owner):
            file = os.open(f"/proc/{told.pid}/mem", os.O_RDWR)
    except (FileNotFoundError, ProcessLookupError):
        raise Absent("the worker's process has just ended") from None
    except OSError as error:
        raise refused(error) from None
    try:
        if identity(told.pid) != (told.started, told.owner):
            raise Absent("the worker's process has just ended")
        yield Memory(file)
    finally:
        os.close(file)


@contextmanager
def user(uid: int) -> Iterator[None]:
    """Opens files as this user. setfsuid(2) leaves CAP_SYS_PTRACE in force, as seteuid(2) would not."""
    before = os.geteuid()
    _libc.setfsuid(uid)
    # Its answer is the user before, whether it did it or not: asked for nobody, it tells who it is now.
    if _libc.setfsuid(-1) != uid:
        raise Cannot(f"this process may not open files as the worker's user {uid}")
    try:
        yield
    finally:
        _libc.setfsuid(before)


def refused(error: OSError) -> Cannot:
    return Cannot(f"this machine lets no process change another's memory ({error.strerror}): a security module may forbid it")


def moved(error: OSError) -> Absent:
    return Absent(f"the tensor's memory was given back in the same moment ({error.strerror})")
