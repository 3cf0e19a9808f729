"""A disk that does not take a checkpoint fails that one, says why, and is left as it was."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from checkpoints import Live, found, names, put, snapshot, state, telling
from ftc.checkpoint import publish as publishing, saving
from ftc.checkpoint.trouble import amount
from ftc.checkpoint.writer import Writer
from ftc.digest import digest
from ftc.messages import CheckpointReport

SMALL = os.environ.get("FTC_SMALL_DISK")
"""A directory on a file system of 8 MB."""


class Attempts:
    """One worker's checkpoints of a state, and what it reports of them."""

    def __init__(self, root: Path) -> None:
        self.reports: list[CheckpointReport] = []
        self._writer = Writer(root, "me", self.reports.append)

    def write(self, step: int, live: Live | None = None) -> str | None:
        """None, or why it failed."""
        ok = self._writer.write(live or Live(state(float(step))), telling(step))
        report = self.reports[-1]
        assert report.ok == ok == (report.error is None) and report.step == step
        assert report.error is None or ("Traceback" not in report.error and "\n" not in report.error and report.bytes == 0)
        return report.error


def failing(number: int) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS], ids=errno.errorcode.get)
@pytest.mark.parametrize(
    ("module", "act"),
    [(saving, "reserve"), (saving, "sync_file"), (saving, "write_file"), (publishing, "sync_directory"), (publishing, "write_file"), (os, "mkdir"), (os, "replace")],
    ids=lambda item: getattr(item, "__name__", item),
)
def test_wherever_it_fails_nothing_is_left_behind(
    tmp_path: Path, module: Any, act: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = Attempts(tmp_path)
    assert attempts.write(5) is None
    with monkeypatch.context() as patched:
        patched.setattr(module, act, failing(number))
        error = attempts.write(10)
    assert error is not None and os.strerror(number) in error and str(tmp_path) in error
    assert attempts.reports[-1].code == errno.errorcode[number]
    assert not [name for name in names(tmp_path) if name.startswith(".")]
    assert found(tmp_path) in (5, 10)
    assert attempts.write(15) is None and found(tmp_path) == 15


def test_a_full_disk_says_how_much_is_needed_and_how_much_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saving, "reserve", failing(errno.ENOSPC))
    monkeypatch.setattr(os, "statvfs", lambda path: os.statvfs_result((4096, 4096, 100, 10, 3, 0, 0, 0, 0, 255)))
    assert Attempts(tmp_path).write(10) == (
        f"the checkpoint of step 10 could not be written to {tmp_path}: No space left on device; "
        "it needs 4.0 kB, and 12.3 kB are free there"
    )


def test_a_write_that_torch_reports_in_its_own_words_is_told_as_what_it_is(tmp_path: Path) -> None:
    """A limit on the size of files stands in for a quota: it shows in the middle of torch.save."""
    live = Live({"model": {"w": torch.ones(1_000_000)}, "optimizer": {}})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    attempts = Attempts(tmp_path)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        error = attempts.write(5, live)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert error is not None and "File too large" in error
    assert names(tmp_path) == []
    assert attempts.write(5, live) is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    root = tmp_path / "tiny"
    put(root, 5)
    root.chmod(0o555)
    before = snapshot(root)
    try:
        error = Attempts(root).write(10)
        assert error is not None and "Permission denied" in error and str(root) in error
        assert snapshot(root) == before and found(root) == 5
    finally:
        root.chmod(0o755)


def test_a_volume_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "tiny").write_bytes(b"")
    error = Attempts(tmp_path / "tiny").write(10)
    assert error is not None and "File exists" in error or "Not a directory" in str(error)


@pytest.mark.parametrize(("count", "text"), [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (512_300_000, "512.3 MB"), (7 * 10**9, "7.0 GB")])
def test_amounts_are_written_for_people(count: int, text: str) -> None:
    assert amount(count) == text


@pytest.fixture
def small() -> Iterator[Path]:
    assert SMALL is not None
    root = Path(SMALL) / uuid.uuid4().hex
    yield root
    shutil.rmtree(root, ignore_errors=True)


def large(value: float) -> Live:
    """5 MB."""
    return Live({"model": {"w": torch.full((1_250_000,), float(value))}, "optimizer": {}})


@pytest.mark.skipif(SMALL is None, reason="FTC_SMALL_DISK names no directory on a small file system")
@pytest.mark.parametrize("reserved", [True, False], ids=["seen in advance", "seen while writing"])
def test_on_a_disk_that_is_really_full(small: Path, reserved: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not reserved:
        monkeypatch.setattr(saving, "reserve", lambda fd, size: None)
    attempts = Attempts(small)
    assert attempts.write(1, large(1)) is None
    for step in (2, 3):
        free = os.statvfs(small).f_bavail
        error = attempts.write(step, large(step))
        assert error is not None and "No space left on device; it needs 5.0 MB" in error and str(small) in error
        assert names(small) == ["LATEST", "step-00000001"] and os.statvfs(small).f_bavail == free
    loaded = torch.load(small / "step-00000001" / "state.pt", weights_only=True)
    assert digest(loaded) == digest(large(1).state)
    shutil.rmtree(small / "step-00000001")
    assert attempts.write(4, large(4)) is None
    assert names(small) == ["LATEST", "step-00000004"]


@pytest.mark.skipif(SMALL is None, reason="FTC_SMALL_DISK names no directory on a small file system")
def test_what_a_killed_writer_left_makes_room(small: Path) -> None:
    left = small / ".tmp-step-00000001-gone-00000000"
    left.mkdir(parents=True)
    (left / "state.pt").write_bytes(bytes(5_000_000))
    assert Attempts(small).write(2, large(2)) is None
    assert names(small) == ["LATEST", "step-00000002"]
