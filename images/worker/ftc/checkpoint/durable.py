"""Writing so that a crash at any moment leaves the old or the new, whole."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import BinaryIO


class HashingFile:
    """A file being written, and the SHA-256 and size of what was written so far."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._sha = hashlib.sha256()
        self.bytes = 0

    def write(self, data: bytes | memoryview) -> int:
        view = memoryview(data)
        self._sha.update(view)
        self._file.write(view)
        self.bytes += view.nbytes
        return view.nbytes

    def flush(self) -> None:
        self._file.flush()

    @property
    def sha256(self) -> str:
        return self._sha.hexdigest()


def sync_file(file: BinaryIO) -> None:
    """Returns when the file's bytes are on the disk."""
    file.flush()
    os.fsync(file.fileno())


def sync_directory(path: Path) -> None:
    """Returns when the directory's entries are on the disk."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def replace_file(path: Path, data: bytes, suffix: str) -> None:
    """Writes a small file under a temporary name (`.tmp-<name>-<suffix>`) and renames it into place."""
    temporary = path.with_name(f".tmp-{path.name}-{suffix}")
    with open(temporary, "wb") as file:
        file.write(data)
        sync_file(file)
    os.replace(temporary, path)
    sync_directory(path.parent)
