"""The end of `metrics.jsonl`: its last step, and what a write that was cut short left behind.

Nothing is ever cut off by its length. A worker that was frozen between looking and cutting would take away what its successor has
written since, so what is worth nothing is overwritten with spaces instead: JSON allows them before a value, and the next line that
is appended goes on behind them. Whoever does that late, or twice, changes nothing that anyone reads.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from .checkpoint import plain

CHUNK = 1 << 16
"""Bytes that are read at once, from the end."""
LONGEST = 1 << 20
"""Bytes of a line with its newline, at most. The readers know no longer ones."""
BEGIN = b'{"step":'
"""A line begins with this. Inside of a line it cannot be: a quote in a name is written as \\"."""


@dataclass(frozen=True)
class Tail:
    """`step`: of the last whole line; -1 where there is none. From `start` to `end` nothing is worth keeping."""

    step: int
    start: int
    end: int


def survey(fd: int) -> Tail:
    """Reads from the end as far as the last line that names a step. Raises OSError."""
    end = os.fstat(fd).st_size
    keep: int | None = None
    """Where the first text from the end that is JSON ends; it may be another's, without a step."""
    at = first = end
    piece = b""
    """The bytes from `first` to `at`: what is left to be looked at of what has been read."""
    while at > 0:
        cut = piece.rfind(b"\n", 0, -1)
        if cut < 0 and first > 0:
            if len(piece) > LONGEST:
                at, piece = first, b""  # no line is that long
            size = min(CHUNK, first)
            first -= size
            piece = os.pread(fd, size, first) + piece
            continue
        line = piece[cut + 1 :]
        value = parse(line) if line.endswith(b"\n") else None
        if value is not None and keep is None:
            keep = at
        step = step_of(value)
        if step is not None:
            return Tail(step, at if keep is None else keep, end)
        at -= len(line)
        piece = piece[: cut + 1]
    return Tail(-1, 0 if keep is None else keep, end)


def above(fd: int, step: int) -> list[tuple[int, int]]:
    """Where the lines of later steps are, from the end as far as the last line of that step or an earlier one. Raises OSError."""
    found: list[tuple[int, int]] = []
    end = at = os.fstat(fd).st_size
    piece = b""
    while at > 0 or piece:
        cut = piece.rfind(b"\n", 0, -1)
        if cut < 0 and at > 0:
            size = min(CHUNK, at)
            at -= size
            piece = os.pread(fd, size, at) + piece
            continue
        line, piece = piece[cut + 1 :], piece[: cut + 1]
        number = step_of(parse(line))
        if number is not None and number <= step:
            break
        if number is not None:
            found.append((end - len(line), end))
        end -= len(line)
    return found


def parse(line: bytes) -> Any:
    """None where it is no JSON. A line may stand behind the beginning of another, whose writer was killed in the middle of it."""
    for text in (line, line[max(0, line.rfind(BEGIN)) :]):
        try:
            return json.loads(text, parse_constant=_refuse)
        except (ValueError, RecursionError):
            continue
    return None


def step_of(value: Any) -> int | None:
    """None where it is no line of ours: an object of numbers, with a step."""
    if not isinstance(value, dict) or not all(one is None or type(one) in (int, float) for one in value.values()):
        return None
    step = value.get("step")
    return step if isinstance(step, int) and step >= 0 else None


def _refuse(text: str) -> NoReturn:
    """NaN and Infinity are no JSON, for all that Python says."""
    raise ValueError(text)


def blank(path: Path, start: int, end: int) -> None:
    """Overwrites with spaces. Raises OSError. A file that is opened for appending writes nowhere else, so this opens its own."""
    fd = plain.itself(path, os.O_WRONLY)
    try:
        while start < end:
            start += os.pwrite(fd, b" " * min(CHUNK, end - start), start)
    finally:
        os.close(fd)
