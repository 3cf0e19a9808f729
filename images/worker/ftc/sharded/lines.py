"""Where the lines of a JSONL shard are: found in one pass that also hashes, at the speed of memory."""

from __future__ import annotations

import hashlib
import os

import numpy as np
import numpy.typing as npt

CHUNK = 4 << 20
NEWLINE, RETURN = 10, 13
WHITE = np.array([9, 10, 11, 12, 13, 32], dtype=np.uint8)
Starts = npt.NDArray[np.int64]


def scan(fd: int) -> tuple[str, Starts]:
    """The file's SHA-256, and where its samples begin: int64, shape (samples + 1,), the last being the file's size.

    A sample is a line with anything but white space in it. The last may lack its newline; CR LF is a line's end like LF.
    """
    sha = hashlib.sha256()
    starts: list[Starts] = []
    firsts: list[npt.NDArray[np.uint8]] = []
    at, begins = 0, True
    while chunk := os.pread(fd, CHUNK, at):
        sha.update(chunk)
        data = np.frombuffer(chunk, np.uint8)
        own = np.flatnonzero(data == NEWLINE) + 1
        if begins:
            own = np.concatenate([np.zeros(1, own.dtype), own])
        begins = bool(len(own)) and int(own[-1]) == len(chunk)
        if begins:
            own = own[:-1]
        starts.append(own.astype(np.int64) + at)
        firsts.append(data[own])
        at += len(chunk)
    if not starts:
        return sha.hexdigest(), np.zeros(1, np.int64)
    bounds = np.concatenate([*starts, np.array([at], np.int64)])
    blank = _blank(fd, bounds, np.concatenate(firsts))
    return sha.hexdigest(), np.concatenate([bounds[:-1][~blank], bounds[-1:]])


def number_of(fd: int, start: int) -> int:
    """The line that begins there, counted from 1 as an editor does."""
    number, at = 1, 0
    while at < start:
        chunk = os.pread(fd, min(CHUNK, start - at), at)
        if not chunk:
            break
        number += chunk.count(b"\n")
        at += len(chunk)
    return number


def _blank(fd: int, bounds: Starts, firsts: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    sizes = np.diff(bounds)
    ended = (firsts == RETURN) & (sizes == 2)
    ended[-1] = False  # the last line may be two bytes without an end
    blank: npt.NDArray[np.bool_] = (firsts == NEWLINE) | ended
    for index in map(int, np.flatnonzero(np.isin(firsts, WHITE) & ~blank)):  # rare: a line that begins with white space
        blank[index] = not os.pread(fd, int(sizes[index]), int(bounds[index])).strip()
    return blank
