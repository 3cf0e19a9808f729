"""A torch whose loader runs code of a made-up file loads nothing that others may have written."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
import torch

from ftc.checkpoint.checkpoints import Checkpoints
from ftc.checkpoint.loader_hole import has_hole
from ftc.config import from_env
from ftc.errors import FtcError
from ftc.messages import Message, Note
from ftc.progress import Progress
from ftc.slices import Plan
from ftc.state import Registered


@pytest.mark.parametrize(
    ("version", "hole"),
    [("2.5.1+cu124", True), ("1.13.0", True), ("2.6.0", False), ("2.6.0a0+git", False), ("2.10.1", False), ("3.0", False), ("main", False)],
)
def test_it_is_in_all_before_2_6(version: str, hole: bool) -> None:
    assert has_hole(version) == hole


class Worker:
    def __init__(self, root: Path, origin: str) -> None:
        torch.manual_seed(1)
        model = torch.nn.Linear(3, 2)
        own = Registered(model, torch.optim.SGD(model.parameters(), lr=0.1), None, None, True, {})
        self.said: list[Message] = []
        env = {"JOB_ID": "tiny", "FTC_SCRIPT": "/x", "FTC_STEPS": "99", "FTC_WORKER_ID": "me", "CHECKPOINT_DIR": str(root)}
        config = from_env({**env, "FTC_CHECKPOINT_ORIGIN": origin})
        self.checkpoints = Checkpoints(config, cast(Any, self), Progress(), own)

    def send(self, message: Message) -> None:
        self.said.append(message)

    @property
    def warnings(self) -> list[str]:
        return [m.text for m in self.said if isinstance(m, Note) and m.level == "warn"]


def old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "__version__", "2.5.1")


def saved(root: Path) -> None:
    worker = Worker(root, "volume")
    worker.checkpoints._progress.step = 3
    worker.checkpoints.attach(Plan(96, 24, 12, 0, True), lambda step: None)
    assert worker.checkpoints.save_now(1)


def test_what_may_come_from_elsewhere_is_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(tmp_path)
    old(monkeypatch)
    with pytest.raises(FtcError, match=r"torch 2\.5\.1 .*CVE-2025-32434.*none is loaded.*2\.6 or newer"):
        Worker(tmp_path, "outside").checkpoints.load()


def test_what_the_job_has_written_itself_is_loaded_with_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(tmp_path)
    old(monkeypatch)
    worker = Worker(tmp_path, "volume")
    assert worker.checkpoints.load() == 3
    assert len(worker.warnings) == 1 and "CVE-2025-32434" in worker.warnings[0]


def test_without_a_checkpoint_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old(monkeypatch)
    worker = Worker(tmp_path, "outside")
    assert worker.checkpoints.load() == 0
    assert worker.warnings == []


def test_nor_by_a_torch_without_it(tmp_path: Path) -> None:
    saved(tmp_path)
    worker = Worker(tmp_path, "outside")
    assert worker.checkpoints.load() == 3
    assert worker.warnings == []
