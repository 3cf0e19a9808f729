"""Step metrics are written behind training: a disk that is slow delays no step."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from metrics import line_of, steps

from ftc.metrics_log import MetricsLog

SECONDS = 30


class SlowDisk:
    """Takes nothing until it is let go. `asked` is set once somebody waits for it."""

    def __init__(self) -> None:
        self.asked, self.go = threading.Event(), threading.Event()
        self._write = os.write

    def write(self, fd: int, data: bytes) -> int:
        if threading.current_thread() is threading.main_thread():
            return self._write(fd, data)
        self.asked.set()
        assert self.go.wait(SECONDS)
        return self._write(fd, data)


@pytest.fixture
def disk() -> Iterator[SlowDisk]:
    disk = SlowDisk()
    with patch("os.write", disk.write):
        yield disk
        disk.go.set()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "metrics.jsonl"


def test_training_goes_on_while_the_disk_takes_nothing(path: Path, disk: SlowDisk) -> None:
    log = MetricsLog(path)
    log.lead()
    log.note(1, line_of(1))
    assert disk.asked.wait(SECONDS)
    for step in range(2, 1000):
        log.note(step, line_of(step))
    assert steps(path) == []
    disk.go.set()
    log.settle()
    assert steps(path) == list(range(1, 1000))


def test_who_does_not_lead_any_more_writes_no_further_line_and_who_leads_again_goes_on(path: Path, disk: SlowDisk) -> None:
    log = MetricsLog(path)
    log.lead()
    log.note(1, line_of(1))
    assert disk.asked.wait(SECONDS)
    log.note(2, line_of(2))
    log.follow()
    disk.go.set()
    log.settle()
    assert steps(path) == [1]
    log.note(3, line_of(3))
    log.lead()
    log.settle()
    assert steps(path) == [1, 2, 3]


def test_what_is_flushed_waits_for_lines_up_to_then_and_not_for_later_ones(path: Path, disk: SlowDisk) -> None:
    log = MetricsLog(path)
    log.lead()
    log.note(1, line_of(1))
    assert disk.asked.wait(SECONDS)
    log.note(2, line_of(2))
    flushed: list[bool] = []
    publisher = threading.Thread(target=lambda: flushed.append(log.flush_to_disk()))
    publisher.start()
    log.note(3, line_of(3))
    assert flushed == []
    disk.go.set()
    publisher.join(SECONDS)
    assert flushed == [True]
    assert steps(path)[:2] == [1, 2]


def test_many_threads_lose_and_repeat_nothing(path: Path) -> None:
    log = MetricsLog(path)
    log.lead()
    over = threading.Event()

    def disturb() -> None:
        while not over.is_set():
            log.settle()
            assert log.flush_to_disk()

    threads = [threading.Thread(target=disturb) for _ in range(3)]
    for thread in threads:
        thread.start()
    for step in range(1, 2000):
        log.note(step, line_of(step))
        if step % 100 == 0:
            log.lead()
    over.set()
    for thread in threads:
        thread.join(SECONDS)
    log.settle()
    assert steps(path) == list(range(1, 2000))
    assert path.read_bytes().count(b"\n") == 1999
