"""Where shards lie: what a folder and a bucket have in common, and the folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .errors import DataError
from .lines import CHUNK
from .names import depth
from .patience import Patience


@dataclass(frozen=True)
class Entry:
    """One file. `tag` is another whenever its contents may be."""

    name: str
    bytes: int
    tag: str


class Place(Protocol):
    """`url` is for people, and tells one place from another. Errors are DataError and Unreachable."""

    url: str

    def entries(self, pattern: str | None) -> list[Entry]:
        """All files as deep as the pattern looks, in any order."""

    def small(self, name: str) -> bytes | None:
        """A small file whole; None where there is none."""

    def stream(self, entry: Entry, patience: Patience) -> Iterator[bytes]:
        """The file's bytes from its beginning. DataError where it is no longer the one that was listed."""


class Folder:
    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.realpath(path))
        self.url = str(self.path)
        if not self.path.exists():
            raise DataError(f"there is no folder {path} with shards")
        if not self.path.is_dir():
            raise DataError(f"{path} is not a folder: give the folder, and pattern={self.path.name!r}")

    def entries(self, pattern: str | None) -> list[Entry]:
        return list(self._walk("", depth(pattern)))

    def small(self, name: str) -> bytes | None:
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise unreadable(self.path / name, error) from None

    def stream(self, entry: Entry, patience: Patience) -> Iterator[bytes]:
        fd = self.open(entry.name)
        try:
            at = 0
            while chunk := os.pread(fd, CHUNK, at):
                yield chunk
                at += len(chunk)
        finally:
            os.close(fd)

    def open(self, name: str) -> int:
        """For reading; the caller closes it."""
        try:
            return os.open(self.path / name, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise unreadable(self.path / name, error) from None

    def tag(self, name: str) -> str:
        """Of the file as it is now; empty where it is gone."""
        try:
            return tag_of(os.stat(self.path / name))
        except OSError:
            return ""

    def _walk(self, under: str, levels: int) -> Iterator[Entry]:
        try:
            found = sorted(os.scandir(self.path / under), key=lambda item: item.name)
        except OSError as error:
            raise unreadable(self.path / under, error) from None
        for item in found:
            name = under + item.name
            if item.is_dir():
                if levels > 0:
                    yield from self._walk(f"{name}/", levels - 1)
            elif levels == 0:
                stat = item.stat()
                yield Entry(name, stat.st_size, tag_of(stat))


def tag_of(stat: os.stat_result) -> str:
    """The inode's time of change too: it cannot be set back."""
    return f"{stat.st_ino}-{stat.st_size}-{stat.st_mtime_ns}-{stat.st_ctime_ns}"


def unreadable(path: Path, error: OSError) -> DataError:
    return DataError(f"{path} cannot be read by user {os.getuid()}: {error.strerror}")
