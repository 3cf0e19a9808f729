"""Writing so that a crash at any moment leaves the old or the new, whole."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO


class Clock:
    """Seconds spent in making a file's bytes (with their hashes), in writing them, and in waiting until they are on the disk."""

    def __init__(self) -> None:
        self.making = self.writing = self.syncing = 0.0


class HashingFile:
    """A file being written, and the SHA-256 and size of what was written so far. `check` may raise before each write."""

    def __init__(self, file: BinaryIO, clock: Clock, check: Callable[[], None] = lambda: None) -> None:
        self._file = file
        self._clock = clock
        self._check = check
        self._sha = hashlib.sha256()
        self.bytes = 0

    def write(self, data: bytes | memoryview) -> int:
        self._check()
        view = memoryview(data)
        self._sha.update(view)
        began = time.perf_counter()
        self._file.write(view)
        self._clock.writing += time.perf_counter() - began
        self.bytes += view.nbytes
        return view.nbytes

    def flush(self) -> None:
        self._file.flush()

    @property
    def sha256(self) -> str:
        return self._sha.hexdigest()


def sync_file(file: BinaryIO, clock: Clock) -> None:
    """Returns when the file's bytes are on the disk."""
    began = time.perf_counter()
    file.flush()
    written = time.perf_counter()
    os.fsync(file.fileno())
    clock.writing += written - began
    clock.syncing += time.perf_counter() - written


def sync_directory(path: Path, clock: Clock) -> None:
    """Returns when the directory's entries are on the disk."""
    began = time.perf_counter()
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
    clock.syncing += time.perf_counter() - began


def make_directory(path: Path, clock: Clock) -> None:
    """Makes a directory and those above it; returns when the entries of all that are new are on the disk."""
    if path.is_dir():
        return
    make_directory(path.parent, clock)
    path.mkdir(exist_ok=True)
    sync_directory(path.parent, clock)


def write_file(path: Path, data: bytes, clock: Clock) -> None:
    """A small file, on the disk when this returns; its entry in the directory is not yet. What was there under its name is gone."""
    path.unlink(missing_ok=True)
    with open(path, "xb") as file:
        file.write(data)
        sync_file(file, clock)
