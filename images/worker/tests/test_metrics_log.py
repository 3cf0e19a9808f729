from __future__ import annotations

import errno
import json
import math
import os
import stat
import threading
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from ftc import metrics_log
from metrics import Inline, Killed, killed_in_a_write, line_of, logged, read, steps


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "job" / "metrics.jsonl"


def test_a_line_a_step_is_flat_json_that_everyone_may_read(path: Path) -> None:
    before = os.umask(0o077)
    try:
        log = Inline(path)
        log.lead()
    finally:
        os.umask(before)
    log.note(1, {"epoch": 0, "samples": 24, "loss": 0.5, "größe": 3, "grad": math.inf, "lr": math.nan, "none": None})
    text = path.read_text()
    assert text.endswith("\n") and text.count("\n") == 1
    expected = {"step": 1, "epoch": 0, "samples": 24, "loss": 0.5, "größe": 3, "grad": None, "lr": None, "none": None}
    assert json.loads(text) == expected
    assert list(json.loads(text)) == list(expected)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_only_who_leads_writes_and_a_step_is_written_once(path: Path) -> None:
    follower, leader = Inline(path), logged(path, 3)
    for step in range(1, 6):
        follower.note(step, line_of(step))
    leader.note(2, line_of(2))
    assert [json.loads(text)["step"] for text in path.read_text().splitlines()] == [1, 2, 3]
    leader.follow()
    leader.note(4, line_of(4))
    follower.lead()
    follower.note(6, line_of(6))
    leader.lead()
    leader.note(7, line_of(7))
    assert read(path) == [{"step": step, **line_of(step)} for step in range(1, 8)]
    assert len(path.read_text().splitlines()) == 7


def test_after_all_were_killed_steps_that_are_there_are_not_written_again(path: Path) -> None:
    logged(path, 10)
    back = Inline(path)
    for step in range(5, 9):
        back.note(step, line_of(step))
    back.lead()
    for step in range(9, 13):
        back.note(step, line_of(step))
    assert [json.loads(text)["step"] for text in path.read_text().splitlines()] == list(range(1, 13))


@pytest.mark.parametrize(
    "rest",
    [b'{"step":4,"lo', b"{", b'{"step":4}', b"\0" * 5000, b"\0\n", b'{"step":4,"lo\n', b" ", b"\n\n", b'{"step":4,"loss":NaN,\n{"st', b"[1,\n" * 999],
)
def test_what_is_no_whole_line_at_the_end_is_gone_and_its_step_written(path: Path, rest: bytes) -> None:
    logged(path, 3)
    with path.open("ab") as file:
        file.write(rest)
    log = Inline(path)
    log.note(4, line_of(4))
    log.lead()
    log.note(5, line_of(5))
    assert [json.loads(text) for text in path.read_text().splitlines()] == [{"step": step, **line_of(step)} for step in range(1, 6)]


def test_what_is_too_much_to_be_one_line_stays_and_ends(path: Path) -> None:
    logged(path, 3)
    with path.open("ab") as file:
        file.write(b"\0" * (3 << 20))
    log = Inline(path)
    log.lead()
    log.note(4, line_of(4))
    assert path.stat().st_size > 3 << 20
    assert steps(path) == [1, 2, 3, 4]


def test_lines_of_others_stay(path: Path) -> None:
    logged(path, 2)
    with path.open("ab") as file:
        file.write(b'{"mine": 1}\n"a text"\n{"step": 9.5}\n{"st')
    log = Inline(path)
    log.lead()
    log.note(3, line_of(3))
    assert [json.loads(text) for text in path.read_text().splitlines()][2:5] == [{"mine": 1}, "a text", {"step": 9.5}]
    assert steps(path) == [1, 2, 3]


def test_the_last_step_of_a_large_file_is_found_without_reading_it(path: Path) -> None:
    path.parent.mkdir()
    with path.open("wb") as file:
        file.truncate(4 << 30)
    with path.open("ab") as file:
        file.write(b'\n{"step":7}\n')
    read_bytes = 0
    pread = os.pread

    def counting(fd: int, size: int, offset: int) -> bytes:
        nonlocal read_bytes
        read_bytes += size
        return pread(fd, size, offset)

    log = Inline(path)
    log.note(7, line_of(7))
    log.note(8, line_of(8))
    with patch("os.pread", counting):
        log.lead()
    assert read_bytes <= 1 << 16
    with path.open("rb") as large:
        large.seek(4 << 30)
        assert [json.loads(text)["step"] for text in large.read().split()] == [7, 8]


class Disk:
    """Takes so many bytes."""

    def __init__(self, room: int) -> None:
        self.room = room
        self._write = os.write

    def write(self, fd: int, data: bytes) -> int:
        if self.room == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        count = self._write(fd, data[: self.room])
        self.room -= count
        return count


@pytest.mark.parametrize("room", range(0, 400, 7))
def test_a_full_disk_is_told_once_and_all_lines_are_there_when_it_has_room(path: Path, room: int) -> None:
    told: list[str] = []
    log = Inline(path, told.append)
    log.lead()
    disk = Disk(room)
    with patch("os.write", disk.write):
        for step in range(1, 20):
            log.note(step, line_of(step))
        assert not log.flush_to_disk()
        assert len(told) == 1
        assert "No space left on device" in told[0] and str(path) in told[0]
        there = steps(path)
        disk.room = 1 << 20
        assert log.flush_to_disk()
        log.note(20, line_of(20))
    assert there == list(range(1, len(there) + 1)) and len(there) < 19
    assert [json.loads(text)["step"] for text in path.read_text().splitlines()] == list(range(1, 21))
    with patch("os.write", Disk(0).write):
        log.note(21, line_of(21))
    assert len(told) == 2


def test_a_directory_that_is_not_there_does_not_stop_training(tmp_path: Path) -> None:
    told: list[str] = []
    log = Inline(tmp_path / "volume" / "job" / "metrics.jsonl", told.append)
    log.lead()
    for step in (1, 2):
        log.note(step, line_of(step))
    assert not log.flush_to_disk()
    assert len(told) == 1 and "No such file or directory" in told[0]
    (tmp_path / "volume").mkdir()
    assert log.flush_to_disk()
    assert steps(tmp_path / "volume" / "job" / "metrics.jsonl") == [1, 2]


def test_memory_is_bounded_and_the_newest_stay(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_log, "KEPT_BYTES", 2000)
    told: list[str] = []
    follower, leader = Inline(path, told.append), Inline(path, told.append)
    with patch("os.write", Disk(0).write):
        leader.lead()
        for step in range(1, 101):
            follower.note(step, line_of(step))
            leader.note(step, line_of(step))
    assert len(told) == 2 and "are lost from step 1 on" in told[1]
    leader.flush_to_disk()
    written = steps(path)
    assert written == list(range(written[0], 101)) and 1 < written[0] < 100
    leader.follow()
    path.unlink()
    follower.lead()
    assert steps(path) == written


def test_a_line_that_no_reader_would_take_is_left_out(path: Path) -> None:
    told: list[str] = []
    log = Inline(path, told.append)
    log.lead()
    log.note(1, {f"name {at}": 0.5 for at in range(100_000)})
    log.note(2, line_of(2))
    assert steps(path) == [2]
    assert len(told) == 1 and "of step 1" in told[0]


def test_what_was_flushed_was_synced_with_its_name_and_training_goes_on_meanwhile(path: Path) -> None:
    synced: list[str] = []
    fsync = os.fsync
    log = logged(path, 3)
    thread = threading.Thread(target=lambda: log.note(4, line_of(4)))

    def watching(fd: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{fd}"))
        if not thread.is_alive() and 4 not in steps(path):
            thread.start()
            thread.join(30)
        fsync(fd)

    with patch("os.fsync", watching):
        assert log.flush_to_disk()
        assert log.flush_to_disk()
    assert synced == [str(path), str(path.parent), str(path)]
    assert steps(path) == [1, 2, 3, 4]
    assert Inline(path).flush_to_disk()


def test_a_sync_that_fails_is_told(path: Path) -> None:
    told: list[str] = []
    log = Inline(path, told.append)
    log.lead()
    log.note(1, line_of(1))

    def failing(fd: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with patch("os.fsync", failing):
        assert not log.flush_to_disk()
    assert len(told) == 1 and "Input/output error" in told[0]
    assert log.flush_to_disk()


def test_a_link_is_not_followed(path: Path, tmp_path: Path) -> None:
    told: list[Any] = []
    path.parent.mkdir()
    (tmp_path / "other").write_text("precious")
    path.symlink_to(tmp_path / "other")
    log = Inline(path, told.append)
    log.lead()
    log.note(1, line_of(1))
    assert (tmp_path / "other").read_text() == "precious"
    assert len(told) == 1


def test_a_cut_off_leader_that_is_killed_in_the_middle_of_its_line_takes_none_of_its_successors(path: Path) -> None:
    old, new = logged(path, 3), Inline(path)
    new.lead()
    with killed_in_a_write(9), pytest.raises(Killed):
        old.note(4, line_of(4))
    new.note(4, line_of(4))
    new.note(5, line_of(5))
    assert read(path) == [{"step": step, **line_of(step)} for step in range(1, 6)]
    third = Inline(path)
    third.note(5, line_of(5))
    third.lead()
    assert steps(path) == [1, 2, 3, 4, 5]


def test_who_leads_again_looks_anew(path: Path) -> None:
    first, second = logged(path, 3), Inline(path)
    second.lead()
    second.note(4, line_of(4))
    with killed_in_a_write(9), pytest.raises(Killed):
        second.note(5, line_of(5))
    first.lead()
    first.note(4, line_of(4))
    first.note(5, line_of(5))
    assert [json.loads(text)["step"] for text in path.read_text().splitlines()] == [1, 2, 3, 4, 5]


VECTORS = json.loads((Path(__file__).parents[3] / "test" / "vectors" / "metrics.json").read_text())["files"]


@pytest.mark.parametrize("vector", [pytest.param(v, id=v["name"]) for v in VECTORS])
def test_a_file_is_read_as_the_command_line_reads_it(path: Path, vector: dict[str, Any]) -> None:
    path.parent.mkdir()
    path.write_text(vector["text"])
    assert steps(path) == vector["steps"]
    log = Inline(path)
    for step in range(1, 8):
        log.note(step, line_of(step))
    log.lead()
    assert steps(path) == sorted({*vector["steps"], *range(max([0, *vector["steps"]]) + 1, 8)})


@pytest.mark.parametrize("late", [False, True])
def test_what_the_new_leader_does_not_know_is_written_by_who_committed_it(path: Path, late: bool) -> None:
    """The leader is dead, and rank 0 is a newcomer: lines that only the others have in memory must not be lost."""
    dead, survivor, newcomer = logged(path, 2), Inline(path), Inline(path)
    dead.follow()
    for step in range(1, 4 if late else 5):
        survivor.note(step, line_of(step))
    newcomer.lead()
    survivor.follow()
    survivor.owe(4)
    survivor.note(4, line_of(4))  # where the script is late with what it does after the commit
    for step in (5, 6):
        survivor.note(step, line_of(step))
        newcomer.note(step, line_of(step))
    assert [json.loads(text)["step"] for text in path.read_text().splitlines()] == [1, 2, 3, 4, 5, 6]


def test_lines_of_steps_that_were_wrong_are_taken_out_and_come_again(path: Path) -> None:
    leader = logged(path, 6)
    follower = Inline(path)
    for step in range(1, 7):
        follower.note(step, line_of(step))
    with open(path, "a") as file:
        file.write('{"of": "another"}\n')
    leader.note(7, line_of(7))
    for log in (leader, follower):
        log.returned(4, leads=log is leader)
    assert steps(path) == [1, 2, 3, 4] and '{"of": "another"}' in path.read_text()
    for step in (5, 6):
        leader.note(step, line_of(10 * step))
        follower.note(step, line_of(10 * step))
    assert steps(path) == [1, 2, 3, 4, 5, 6]
    follower.lead()
    follower.note(7, line_of(7))
    found = {line["step"]: line for line in read(path)}
    assert list(found) == [1, 2, 3, 4, 5, 6, 7]
    assert {**found[5], "step": 0} == {**json.loads(json.dumps(line_of(50))), "step": 0}


def test_nothing_is_taken_out_where_no_later_step_was_logged(path: Path) -> None:
    log = Inline(path)
    log.returned(3, leads=True)
    log.lead()
    for step in (1, 2, 3):
        log.note(step, line_of(step))
    before = path.read_bytes()
    log.returned(3, leads=True)
    assert path.read_bytes() == before
    log.returned(0, leads=True)
    assert steps(path) == []
