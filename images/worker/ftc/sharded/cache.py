"""Shards on this machine's disk: at most so many bytes, shared by all workers that see the folder.

    <folder>/shards/<key>        a whole shard; whoever reads it holds a shared lock on it
    <folder>/shards/<key>.part   one on its way, as large as it will be; its fetcher holds the key's lock
    <folder>/known/              what was learned of shards: records.py
    <folder>/locks/              a file a key, and `space` for who makes room

What is in use is never removed; of the rest, what was used longest ago goes first. A process may be killed at any point: its
locks end with it, a part whose lock is free is rubbish, and a shard has its name only once it is whole.
"""

from __future__ import annotations

import os
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from . import locks
from .errors import DataError, NoRoom

PART = ".part"


@dataclass(frozen=True)
class Held:
    """A file in the cache as it was seen."""

    path: Path
    bytes: int
    used: int


class Cache:
    def __init__(self, folder: Path, limit: int) -> None:
        self.folder = folder
        self.limit = limit
        self.known = folder / "known"
        self._shards = folder / "shards"
        self._locks = folder / "locks"
        try:
            for made in (folder, self.known, self._shards, self._locks):
                made.mkdir(parents=True, exist_ok=True)
            if not os.access(self._shards, os.W_OK):
                raise PermissionError(13, "no permission to write")
        except OSError as error:
            raise DataError(f"the cache {folder} cannot be used by user {os.getuid()}: {error.strerror}") from None

    def lock(self, key: str, *, wait: bool) -> AbstractContextManager[None]:
        """Who holds it may fetch that shard. Raises Busy."""
        return locks.held(self._locks / key, wait=wait, pause=time.sleep)

    def open(self, key: str) -> int | None:
        """The shard for reading, marked as used now and in use until it is closed; None where it is not here."""
        try:
            fd = os.open(self._shards / key, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        locks.shared(fd)
        if os.fstat(fd).st_nlink == 0:  # removed between the two calls
            os.close(fd)
            return None
        os.utime(fd)
        return fd

    def reserve(self, key: str, size: int, *, force: bool) -> Path:
        """An empty part with room for that many bytes. The key's lock is held. Raises NoRoom; with `force`, never.

        Then the cache is larger than its limit for as long as what is in it is in use.
        """
        part = self._shards / f"{key}{PART}"
        with self._space():
            part.unlink(missing_ok=True)
            room = self._make_room(size)
            if not room and not force:
                raise NoRoom(key)
            with open(part, "wb") as file:
                file.truncate(size)  # counts from now on
        return part

    def keep(self, key: str, part: Path) -> None:
        """The part is whole: it gets its name, and the cache its limit."""
        with self._space():
            os.utime(part)
            os.replace(part, self._shards / key)
            self._make_room(0)

    def drop(self, key: str, fd: int) -> None:
        """Removes a shard, if it is still the one that was opened as `fd`. The key's lock is held."""
        path = self._shards / key
        try:
            if os.stat(path).st_ino == os.fstat(fd).st_ino:
                path.unlink()
        except FileNotFoundError:
            pass

    def discard(self, part: Path) -> None:
        part.unlink(missing_ok=True)

    def bytes(self) -> int:
        """Of all shards and parts."""
        return sum(held.bytes for held in self._held())

    def _space(self) -> AbstractContextManager[None]:
        return locks.held(self._locks / "space", wait=True, pause=time.sleep)

    def _make_room(self, size: int) -> bool:
        held = self._held()
        total = sum(one.bytes for one in held)
        for one in sorted(held, key=lambda one: one.used):
            if total + size <= self.limit:
                break
            if self._remove(one.path):
                total -= one.bytes
        return total + size <= self.limit

    def _remove(self, path: Path) -> bool:
        """Unless somebody uses it, or fetches it now."""
        name = path.name
        busy = self._locks / name.removesuffix(PART) if name.endswith(PART) else path
        try:
            fd = os.open(busy, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            if not locks.exclusive(fd):
                return False
            path.unlink(missing_ok=True)
            return True
        finally:
            os.close(fd)

    def _held(self) -> list[Held]:
        found = []
        for item in os.scandir(self._shards):
            try:
                stat = item.stat()
            except FileNotFoundError:
                continue
            found.append(Held(Path(item.path), stat.st_size, stat.st_mtime_ns))
        return found
