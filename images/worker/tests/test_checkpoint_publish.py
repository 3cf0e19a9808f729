"""Publishing: in which order, over what is there already, and what is told of it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from checkpoints import DAMAGE, Live, change, draft, flip, found, names, put, snapshot, state, telling
from ftc.checkpoint import publish as publishing
from ftc.checkpoint.publish import latest, publish
from ftc.checkpoint.writer import Writer
from ftc.messages import CheckpointReport


def test_a_newer_generation_replaces_the_same_step(tmp_path: Path) -> None:
    put(tmp_path, 10, generation=1)
    put(tmp_path, 10, generation=2)
    there = latest(tmp_path)
    assert there is not None and there.generation == 2 and found(tmp_path) == 10
    assert names(tmp_path) == ["LATEST", "step-00000010"]


def test_where_names_cannot_be_exchanged_one_that_verifies_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "exchange", lambda one, other: False)
    put(tmp_path, 10, generation=1)
    put(tmp_path, 10, generation=2)
    there = latest(tmp_path)
    assert there is not None and there.generation == 1 and found(tmp_path) == 10
    flip(tmp_path / "step-00000010" / "state.pt")
    put(tmp_path, 10, generation=3)
    assert found(tmp_path) == 10
    assert names(tmp_path) == [".bad-step-00000010-1", "LATEST", "step-00000010"]


@pytest.mark.parametrize("damage", [DAMAGE["no manifest"][0], change(job="other"), change(seed=1)])
def test_what_is_not_of_this_run_is_set_aside_and_not_replaced(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    damage(put(tmp_path, 10))
    before = snapshot(tmp_path / "step-00000010")
    put(tmp_path, 10, generation=2)
    assert found(tmp_path) == 10
    assert snapshot(tmp_path / ".bad-step-00000010-1") == before


def test_the_first_of_a_job_makes_its_directory(tmp_path: Path) -> None:
    put(tmp_path / "volume" / "job", 1)
    assert found(tmp_path / "volume" / "job") == 1


def test_a_report_tells_what_took_how_long(tmp_path: Path) -> None:
    reports: list[CheckpointReport] = []
    writer = Writer(tmp_path, "me", reports.append)
    assert writer.write(Live(state(5.0)), telling(5))
    (report,) = reports
    assert report.ok and report.bytes > 4000 and report.error is None and report.step == 5
    assert 0 < report.serialise_ms <= report.write_ms and 0 < report.fsync_ms <= report.write_ms and report.stall_ms > 0


def test_one_of_an_equal_or_newer_generation_stays(tmp_path: Path) -> None:
    put(tmp_path, 10, generation=3)
    before = snapshot(tmp_path / "step-00000010")
    publish(tmp_path, draft(10, generation=3), "other")
    assert snapshot(tmp_path / "step-00000010") == before


def test_nothing_is_named_before_it_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "volume" / "tiny"
    acts: list[str] = []
    sync, rename, replace = os.fsync, os.rename, os.replace

    def name(path: object) -> str:
        return re.sub(r"\.tmp-step-\S*?(?=/|$)", "(new)", str(path).removeprefix(f"{tmp_path}/"))

    def synced(fd: int) -> None:
        acts.append(f"sync {name(os.readlink(f'/proc/self/fd/{fd}'))}")
        sync(fd)

    def renamed(act: Callable[[Path, Path], None]) -> Callable[[Path, Path], None]:
        def record(old: Path, new: Path) -> None:
            acts.append(f"{name(old)} becomes {name(new)}")
            act(old, new)

        return record

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "rename", renamed(rename))
    monkeypatch.setattr(os, "replace", renamed(replace))
    put(root, 5)
    assert acts[:2] == [f"sync {tmp_path}", "sync volume"]
    assert acts[2:] == [
        "sync volume/tiny/(new)/state.pt",
        "sync volume/tiny/(new)/manifest.json",
        "sync volume/tiny/(new)",
        "volume/tiny/(new) becomes volume/tiny/step-00000005",
        "sync volume/tiny",
        "sync volume/tiny/.tmp-LATEST",
        "volume/tiny/.tmp-LATEST becomes volume/tiny/LATEST",
        "sync volume/tiny",
    ]
