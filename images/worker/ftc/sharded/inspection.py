"""What a shard holds, from one look at all of its bytes."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass

from . import lines
from .arrays import Array, read_array, read_named
from .errors import DataError
from .lines import CHUNK, Starts
from .names import ARRAY, ARRAYS, JSON_LINES, PACKED_LINES

JSON = "json"
"""The layout of a JSONL shard: what is in a line is not looked at before it is read."""


@dataclass(frozen=True)
class Facts:
    """`bytes` and `sha256` are the file's; `layout` tells samples of one kind from those of another."""

    bytes: int
    sha256: str
    samples: int
    layout: str


@dataclass(frozen=True)
class Inside:
    """Where the samples are: `starts` of JSONL, `arrays` by name of the others ("" for `.npy`)."""

    samples: int
    layout: str
    starts: Starts | None
    arrays: dict[str, Array]


def inspect(fd: int, kind: str, where: str) -> tuple[Facts, Inside]:
    """Reads the whole file. Raises DataError where it is not of its kind."""
    if kind in (JSON_LINES, PACKED_LINES):
        sha256, starts = lines.scan(fd)
        inside = with_starts(starts)
        return Facts(int(starts[-1]), sha256, inside.samples, JSON), inside
    inside = look(fd, kind, where)
    size, sha256 = _hash(fd)
    return Facts(size, sha256, inside.samples, inside.layout), inside


def with_starts(starts: Starts) -> Inside:
    return Inside(len(starts) - 1, JSON, starts, {})


def look(fd: int, kind: str, where: str) -> Inside:
    """The layout of an array shard, from its headers alone. Raises DataError."""
    try:
        if kind == ARRAYS:
            arrays = read_named(fd)
            layout = " ".join(f"{name}:{array.layout}" for name, array in arrays.items())
        else:
            assert kind == ARRAY
            arrays = {"": read_array(fd, 0, os.fstat(fd).st_size)}
            layout = arrays[""].layout
    except ValueError as error:
        raise DataError(f"the shard {where} cannot be read: {error}") from None
    return Inside(next(iter(arrays.values())).rows, layout, None, arrays)


def _hash(fd: int) -> tuple[int, str]:
    sha, at = hashlib.sha256(), 0
    while chunk := os.pread(fd, CHUNK, at):
        sha.update(chunk)
        at += len(chunk)
    return at, sha.hexdigest()


