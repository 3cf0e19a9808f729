"""From a place into the cache: streamed, unpacked where needed, checked, and only then given its name."""

from __future__ import annotations

import errno
import hashlib
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from . import locks
from .cache import Cache
from .errors import DataError
from .inspection import Facts, Inside, inspect
from .names import PACKED_LINES, kind_of
from .patience import Patience
from .places import Entry, Place
from .records import Record
from .say import say

TRIES = 3
"""Downloads of one shard that may arrive with another checksum than announced, before that is called an error."""


@dataclass(frozen=True)
class Effort:
    """How much is done for a shard: wait for who fetches it now, outgrow the cache's limit, and the seconds of patience."""

    wait: bool
    force: bool
    patience: float


@dataclass(frozen=True)
class Fetched:
    """`fd` is open for reading and marks the shard as in use."""

    record: Record
    inside: Inside
    fd: int


def fetch(cache: Cache, key: str, place: Place, entry: Entry, expected: Facts | None, effort: Effort) -> Fetched:
    """Brings one shard into the cache. The key's lock is held. Raises DataError, NoRoom, Unreachable.

    `expected`: what it must turn out to be, where that is known.
    """
    where = f"{place.url}/{entry.name}"
    wrong = ""
    for _ in range(TRIES):
        part = cache.reserve(key, entry.bytes, force=effort.force)
        try:
            size, sha256 = _write(part, place, entry, Patience(where, effort.patience, tell=_teller(effort)))
            if size != entry.bytes or (expected is not None and sha256 != expected.sha256):
                wrong = f"{size} bytes with the SHA-256 {sha256[:12]}…"
                continue
            fd = os.open(part, os.O_RDONLY | os.O_CLOEXEC)
            try:
                record, inside = _look(fd, entry, where, size, sha256)
                differs(where, record.facts, expected)
                cache.keep(key, part)
                return Fetched(record, inside, fd)
            except BaseException:
                os.close(fd)
                raise
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            full = f"the disk of the cache {cache.folder} is full, and {where} needs {entry.bytes} bytes"
        finally:
            cache.discard(part)
        raise DataError(f"{full}: give it a limit that the disk has room for (data.cache in the job file)")
    wanted = f"{entry.bytes} bytes" + (f" with the SHA-256 {expected.sha256[:12]}…" if expected is not None else "")
    raise DataError(f"the shard {where} has {wrong}, and {wanted} were expected: it was changed, or is damaged where it lies")


def differs(where: str, found: Facts, expected: Facts | None) -> None:
    """Raises DataError that says what a shard was to be and is not."""
    if expected is None or found == expected:
        return
    told = [
        f"{name} {now}, not {then}"
        for name, now, then in (
            ("bytes", found.bytes, expected.bytes),
            ("samples", found.samples, expected.samples),
            ("layout", found.layout, expected.layout),
            ("SHA-256", f"{found.sha256[:12]}…", f"{expected.sha256[:12]}…"),
        )
        if now != then
    ]
    raise DataError(f"the shard {where} has changed since it was counted: {'; '.join(told)}")


def _write(part: Path, place: Place, entry: Entry, patience: Patience) -> tuple[int, str]:
    """Bytes and SHA-256 of what came; `part` holds it, or what it unpacks to."""
    sha, size = hashlib.sha256(), 0

    def counted() -> Iterator[bytes]:
        nonlocal size
        for chunk in place.stream(entry, patience):
            sha.update(chunk)
            size += len(chunk)
            yield chunk

    chunks = counted()
    if kind_of(entry.name) == PACKED_LINES:
        chunks = unpacked(chunks, f"{place.url}/{entry.name}")
    with open(part, "r+b") as file:
        for chunk in chunks:
            file.write(chunk)
        file.truncate()
    return size, sha.hexdigest()


def _teller(effort: Effort) -> Callable[[str], None]:
    """What is fetched ahead waits in silence: nobody waits for it."""
    return (lambda text: say("warn", text)) if effort.wait else (lambda _: None)


def unpacked(chunks: Iterator[bytes], where: str) -> Iterator[bytes]:
    """What gzip packed, also in several members. Raises DataError where it is damaged or ends too early."""
    unpacker = zlib.decompressobj(wbits=31)
    begun = False
    try:
        for chunk in chunks:
            while chunk:
                if unpacker.eof:
                    unpacker = zlib.decompressobj(wbits=31)
                yield unpacker.decompress(chunk)
                begun, chunk = True, unpacker.unused_data
    except zlib.error as error:
        raise DataError(f"the shard {where} cannot be unpacked: {error}") from None
    if begun and not unpacker.eof:
        raise DataError(f"the shard {where} cannot be unpacked: it ends too early")


def _look(fd: int, entry: Entry, where: str, size: int, sha256: str) -> tuple[Record, Inside]:
    kind = kind_of(entry.name)
    assert kind is not None
    locks.shared(fd)
    held, inside = inspect(fd, kind, where)
    if kind != PACKED_LINES and held.sha256 != sha256:
        raise DataError(f"the shard {where} was written to the cache, and reads otherwise: is the disk sound?")
    return Record(entry.tag, Facts(size, sha256, held.samples, held.layout), held), inside
