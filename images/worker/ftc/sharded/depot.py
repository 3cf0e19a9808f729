"""Shards by name, wherever they lie: what each is, and opening it. A local one is read in place, all others from the cache."""

from __future__ import annotations

import os
from dataclasses import dataclass

from .cache import Cache
from .errors import DataError
from .fetch import TRIES, Effort, Fetched, differs, fetch
from .inspection import Facts, Inside, inspect, look, with_starts
from .lines import Starts
from .names import JSON_LINES, PACKED_LINES, kind_of
from .places import Entry, Folder, Place, tag_of
from .readers import Reader
from .records import Record, Records, key_of
from .say import say


@dataclass(frozen=True)
class Shard:
    """One file of samples, and what it holds for as long as the job lasts."""

    entry: Entry
    facts: Facts

    @property
    def name(self) -> str:
        return self.entry.name

    @property
    def samples(self) -> int:
        return self.facts.samples


class Depot:
    def __init__(self, place: Place, cache: Cache) -> None:
        self.place = place
        self.cache = cache
        self._records = Records(cache.known)

    def folder(self, name: str) -> Folder | None:
        """Where the shard is read in place; None where it goes through the cache."""
        return self.place if isinstance(self.place, Folder) and kind_of(name) != PACKED_LINES else None

    def known(self, entry: Entry) -> Facts | None:
        """From an earlier look at the very same file."""
        record = self._records.get(self._key(entry), entry)
        return None if record is None else record.facts

    def learn(self, entry: Entry, effort: Effort) -> Facts:
        """Reads it whole where nothing is known of it. Raises Busy, DataError, Unreachable."""
        key = self._key(entry)
        with self.cache.lock(key, wait=effort.wait):
            facts = self.known(entry)
            if facts is not None:
                return facts
            folder = self.folder(entry.name)
            if folder is None:
                fetched = self._fetch(key, entry, None, effort)
                os.close(fetched.fd)
                return fetched.record.facts
            fd = folder.open(entry.name)
            try:
                return self._study(key, fd, entry)[0].facts
            finally:
                os.close(fd)

    def open(self, shard: Shard, effort: Effort) -> Reader:
        """Raises Busy, NoRoom, DataError, Unreachable."""
        folder = self.folder(shard.name)
        if folder is None:
            return self._open_held(shard, effort)
        fd = folder.open(shard.name)
        try:
            tag = tag_of(os.fstat(fd))
            inside = self._open_local(shard, fd, Entry(shard.name, os.fstat(fd).st_size, tag), effort)
            return Reader(self._where(shard.name), fd, inside, lambda: folder.tag(shard.name) == tag)
        except BaseException:
            os.close(fd)
            raise

    def _open_local(self, shard: Shard, fd: int, entry: Entry, effort: Effort) -> Inside:
        """What is inside, after making sure that it is the file that was counted."""
        key, kind = self._key(entry), _kind(shard.name)
        record = self._records.get(key, entry)
        starts: Starts | None = None
        if record is not None and kind == JSON_LINES:
            starts = self._records.starts(key, record)
        if record is None or (kind == JSON_LINES and starts is None):
            with self.cache.lock(key, wait=effort.wait):
                record, inside = self._study(key, fd, entry)
        else:
            inside = with_starts(starts) if starts is not None else look(fd, kind, self._where(shard.name))
        differs(self._where(shard.name), record.facts, shard.facts)
        return inside

    def _study(self, key: str, fd: int, entry: Entry) -> tuple[Record, Inside]:
        """Reads a local shard whole, and keeps what was learned."""
        facts, inside = inspect(fd, _kind(entry.name), self._where(entry.name))
        if tag_of(os.fstat(fd)) != entry.tag or facts.bytes != entry.bytes:
            raise DataError(f"the shard {self._where(entry.name)} changed while it was read: who writes to it?")
        record = Record(entry.tag, facts, facts)
        if inside.starts is not None:
            self._records.put_starts(key, record, inside.starts)
        self._records.put(key, record)
        return record, inside

    def _open_held(self, shard: Shard, effort: Effort) -> Reader:
        """From the cache, verified as it is opened; fetched where it is not there, or damaged."""
        entry, where = shard.entry, self._where(shard.name)
        key = self._key(entry)
        for _ in range(TRIES):
            record, fd = self._records.get(key, entry), self.cache.open(key)
            if record is None or fd is None:
                _close(fd)
                with self.cache.lock(key, wait=effort.wait):
                    record, fd = self._records.get(key, entry), self.cache.open(key)
                    if record is None or fd is None:
                        _close(fd)
                        fetched = self._fetch(key, entry, shard.facts, effort)
                        return Reader(where, fetched.fd, fetched.inside)
            inside = _verified(fd, record, shard.name, where)
            if inside is not None:
                differs(where, record.facts, shard.facts)
                return Reader(where, fd, inside)
            say("warn", f"the cached copy of {where} is damaged, and is fetched again")
            try:
                with self.cache.lock(key, wait=effort.wait):
                    self.cache.drop(key, fd)
            finally:
                os.close(fd)
        raise DataError(f"the cached copy of {where} is damaged time and again: is the disk of {self.cache.folder} sound?")

    def _fetch(self, key: str, entry: Entry, expected: Facts | None, effort: Effort) -> Fetched:
        fetched = fetch(self.cache, key, self.place, entry, expected, effort)
        self._records.put(key, fetched.record)
        return fetched

    def _key(self, entry: Entry) -> str:
        """A file of the cache is of one state of a shard; what is known of a local one is replaced with it."""
        return key_of(self.place.url, entry.name if self.folder(entry.name) else f"{entry.name}\n{entry.tag}")

    def _where(self, name: str) -> str:
        return f"{self.place.url}/{name}"


def _verified(fd: int, record: Record, name: str, where: str) -> Inside | None:
    """None where it is not what was put there."""
    try:
        held, inside = inspect(fd, _kind(name), where)
    except DataError:
        return None
    return inside if held == record.held else None


def _kind(name: str) -> str:
    kind = kind_of(name)
    assert kind is not None
    return kind


def _close(fd: int | None) -> None:
    if fd is not None:
        os.close(fd)
