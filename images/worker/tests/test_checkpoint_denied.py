"""What may not be read is not damaged, and what is no plain file keeps nobody waiting."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from checkpoints import draft, found, names, put
from ftc.checkpoint import plain
from ftc.checkpoint.durable import Clock, write_file
from ftc.checkpoint.fence import hold
from ftc.checkpoint.publish import latest, publish
from ftc.checkpoint.restore import newest_known
from ftc.errors import FtcError
from ftc.metrics_log import MetricsLog
from ftc.once import Once

no_root = pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")


@no_root
@pytest.mark.parametrize("what", ["step-00000010/state.pt", "step-00000010/manifest.json", "step-00000010", "."])
def test_what_may_not_be_read_is_refused_and_stays(tmp_path: Path, what: str) -> None:
    root = tmp_path / "tiny"
    put(root, 5)
    put(root, 10)
    mode = (root / what).stat().st_mode
    (root / what).chmod(0)
    try:
        with pytest.raises(FtcError, match=f"cannot be read: .* belongs to {os.getuid()}:.*mode 0000"):
            found(root)
        notes: list[str] = []
        assert found(root, notes, above=5) is None  # who holds the state of step 5 goes on with it
        assert len(notes) == 1 and "cannot be read" in notes[0]
        there = newest_known(root, "tiny")
        assert there is None if what == "." else there is not None and there.step in (5, 10)
    finally:
        (root / what).chmod(mode)
    assert (found(root), names(root)) == (10, ["LATEST", "step-00000005", "step-00000010"])


@no_root
def test_nothing_is_put_in_the_place_of_what_may_not_be_read(tmp_path: Path) -> None:
    manifest = put(tmp_path, 10) / "manifest.json"
    manifest.chmod(0)
    with pytest.raises(PermissionError):
        publish(tmp_path, draft(10, generation=2), "me")
    manifest.chmod(0o644)
    assert (found(tmp_path), names(tmp_path)) == (10, ["LATEST", "step-00000010"])


def in_time(act: Callable[[], object]) -> None:
    """It must not wait for a FIFO's other end."""
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    thread.join(20)
    assert not thread.is_alive(), "it waits"


def fifo(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


@pytest.mark.parametrize("name", ["manifest.json", "state.pt"])
def test_a_fifo_in_a_checkpoint_is_damage_and_keeps_nobody_waiting(tmp_path: Path, name: str) -> None:
    put(tmp_path, 5)
    fifo(put(tmp_path, 10) / name)
    steps: list[int | None] = []
    notes: list[str] = []
    in_time(lambda: steps.append(found(tmp_path, notes)))
    assert steps == [5] and f"{name} is no plain file" in notes[0]


@pytest.mark.parametrize("what", ["a FIFO", "an endless device"])
def test_latest_is_a_plain_file_or_nothing(tmp_path: Path, what: str) -> None:
    put(tmp_path, 5)
    for name in ("LATEST", ".tmp-LATEST"):
        fifo(tmp_path / name)
        if what != "a FIFO":
            (tmp_path / name).unlink()
            (tmp_path / name).symlink_to("/dev/zero")
    told: list[object] = []
    in_time(lambda: told.append(latest(tmp_path)))
    assert told == [None]
    in_time(lambda: put(tmp_path, 10))
    there = latest(tmp_path)
    assert there is not None and there.step == 10


def test_the_other_files_of_a_job_are_plain_ones_too(tmp_path: Path) -> None:
    for name in (".lock", "metrics.jsonl", "once.jsonl"):
        fifo(tmp_path / name)
    raised: list[str] = []

    def act() -> None:
        for one in (lambda: hold(tmp_path).__enter__(), lambda: Once(tmp_path / "once.jsonl").add(1, lambda: None, True)):
            try:
                one()
            except plain.NotPlain as error:
                raised.append(str(error.strerror))
        log = MetricsLog(tmp_path / "metrics.jsonl", raised.append, background=False)
        log.lead()
        log.note(1, {"loss": 1.0})

    in_time(act)
    assert raised[:2] == [".lock is no plain file", "once.jsonl is no plain file"]
    assert "metrics.jsonl is no plain file" in raised[2]


def test_a_small_file_takes_the_place_of_whatever_has_its_name(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("kept")
    (tmp_path / "new").symlink_to("kept")
    write_file(tmp_path / "new", b"new", Clock())
    assert ((tmp_path / "kept").read_text(), (tmp_path / "new").read_text()) == ("kept", "new")
