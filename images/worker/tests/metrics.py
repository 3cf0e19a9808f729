"""Step metrics for tests: how a reader reads them, and workers that can be killed at any byte of a write."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from ftc.metrics_log import MetricsLog
from ftc.metrics_tail import parse, step_of


def read(path: Path) -> list[dict[str, Any]]:
    """As src/metrics/steps.ts does it: whole lines, each above the one before. test/vectors/metrics.json holds both to it."""
    found: list[dict[str, Any]] = []
    for line in path.read_bytes().split(b"\n")[:-1]:
        value = parse(line)
        step = step_of(value)
        if step is not None and step > (found[-1]["step"] if found else -1):
            found.append(value)
    return found


def steps(path: Path) -> list[int]:
    return [line["step"] for line in read(path)]


def line_of(step: int) -> dict[str, float | int | None]:
    """The same on every worker, and not of one length."""
    return {"epoch": step // 5, "samples": step * 24, "loss": 1 / step, "é" * (step % 7 + 1): step * 10.0 ** (step % 30)}


class Inline(MetricsLog):
    """Writes at once, in the thread that notes."""

    def __init__(self, path: Path, note: Callable[[str], None] = lambda text: None) -> None:
        super().__init__(path, note, background=False)


class Killed(BaseException):
    pass


@contextmanager
def killed_in_a_write(after: int) -> Iterator[None]:
    """The process ends when so many bytes of a line, or of spaces, are in the file."""
    write, pwrite = os.write, os.pwrite

    def short(fd: int, data: bytes) -> int:
        write(fd, data[: min(after, len(data))])
        raise Killed

    def short_at(fd: int, data: bytes, offset: int) -> int:
        pwrite(fd, data[: min(after, len(data))], offset)
        raise Killed

    with patch("os.write", short), patch("os.pwrite", short_at):
        yield


def logged(path: Path, count: int) -> Inline:
    """One that leads, and wrote so many steps."""
    log = Inline(path)
    log.lead()
    for step in range(1, count + 1):
        log.note(step, line_of(step))
    return log
