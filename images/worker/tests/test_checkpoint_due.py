"""When a checkpoint is due, what a worker does at its start, and the last one."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any, cast

import pytest
import torch

from checkpoints import flip, names
from ftc.checkpoint import checkpoints as policy, writer as writing
from ftc.checkpoint.checkpoints import Checkpoints
from ftc.checkpoint.fence import hold
from ftc.checkpoint.publish import publish
from ftc.config import from_env
from ftc.errors import Broken, FtcError
from ftc.messages import CheckpointReport, Message, Note
from ftc.progress import Progress
from ftc.slices import Plan
from ftc.state import Registered


class Worker:
    """A worker without a master: what it would say is kept."""

    def __init__(self, tmp_path: Path, every: int = 2, name: str = "me", rank: int = 0, generation: int = 1) -> None:
        torch.manual_seed(1)
        self.model = torch.nn.Linear(3, 2)
        optimizer = torch.optim.Adam(self.model.parameters(), lr=0.1)
        self.own = Registered(self.model, optimizer, None, None, True, {})
        self.progress = Progress()
        self.said: list[Message] = []
        self.rank, self.generation = rank, generation
        self.met = 0
        env = {"JOB_ID": "tiny", "FTC_SCRIPT": "/x", "FTC_STEPS": "99", "FTC_WORKER_ID": name}
        config = from_env({**env, "CHECKPOINT_DIR": str(tmp_path), "CHECKPOINT_EVERY": str(every)})
        self.root = config.checkpoint_dir
        self.checkpoints = Checkpoints(config, cast(Any, self), self.progress, self.own)
        self.checkpoints.attach(Plan(96, 24, 12, 0, True), lambda step: None)

    def send(self, message: Message) -> None:
        self.said.append(message)

    def barrier(self) -> None:
        self.met += 1

    def step(self) -> None:
        self.model(torch.ones(1, 3)).sum().backward()
        self.own.changing()
        self.own.optimizers[0].step()
        self.progress.step += 1
        self.checkpoints.maybe(self.generation, final=False)

    @property
    def reports(self) -> list[CheckpointReport]:
        return [message for message in self.said if isinstance(message, CheckpointReport)]

    @property
    def notes(self) -> list[str]:
        return [message.text for message in self.said if isinstance(message, Note)]


def test_one_is_written_every_so_many_steps(tmp_path: Path) -> None:
    worker = Worker(tmp_path, every=3)
    expected = {}
    for _ in range(10):
        worker.step()
        expected[worker.progress.step] = worker.own.digest()
        worker.checkpoints.join()
    assert [report.step for report in worker.reports] == [3, 6, 9]
    other = Worker(tmp_path)
    assert other.checkpoints.load() == 9 and other.own.digest() == expected[9] == other.checkpoints.digest
    assert other.notes == ["resuming from the checkpoint of step 9"]


def test_what_was_due_while_the_disk_was_slow_is_made_up_for_by_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = threading.Event()

    def slow(*args: Any) -> int:
        assert disk.wait(60)
        return publish(*args)

    monkeypatch.setattr(writing, "publish", slow)
    worker = Worker(tmp_path)
    for _ in range(7):
        worker.step()
    disk.set()
    worker.checkpoints.join()
    worker.step()
    worker.checkpoints.join()
    assert [report.step for report in worker.reports] == [2, 8]
    assert worker.reports[1].delayed_ms > worker.reports[0].delayed_ms
    worker.step()
    assert len(worker.reports) == 2  # all that was due is made up for


def test_one_whose_copy_was_disturbed_is_made_again_after_the_next_step(tmp_path: Path) -> None:
    worker = Worker(tmp_path)
    worker.step()
    worker.step()
    with torch.no_grad():
        worker.model.weight.add_(1)
    worker.checkpoints.join()
    worker.step()
    digest = worker.own.digest()
    worker.checkpoints.join()
    assert [report.step for report in worker.reports] == [3] and len(worker.notes) == 1 and "step 2" in worker.notes[0]
    other = Worker(tmp_path)
    assert other.checkpoints.load() == 3 and other.own.digest() == digest


def test_a_failed_one_is_reported_and_the_next_due_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker(tmp_path)
    worker.root.write_bytes(b"")  # in the place of the directory
    for _ in range(2):
        worker.step()
    worker.checkpoints.join()
    worker.root.unlink()
    for _ in range(2):
        worker.step()
        worker.checkpoints.join()
    assert [(report.step, report.ok) for report in worker.reports] == [(2, False), (4, True)]


def trained(tmp_path: Path, generation: int = 1) -> Worker:
    worker = Worker(tmp_path, every=1, generation=generation)
    for _ in range(3):
        worker.step()
        worker.checkpoints.join()
    return worker


@pytest.mark.parametrize("latest", ["nonsense", "step-00000001\n", None])
def test_after_loading_latest_names_what_was_loaded(tmp_path: Path, latest: str | None) -> None:
    root = trained(tmp_path).root
    flip(root / "step-00000003" / "state.pt")
    (root / "LATEST").unlink()
    if latest is not None:
        (root / "LATEST").write_text(latest)
    (root / ".tmp-step-00000004-gone-00000000").mkdir()
    worker = Worker(tmp_path)
    assert worker.checkpoints.newest() == 3
    assert worker.checkpoints.load(generation=2) == 2
    assert (root / "LATEST").read_text() == "step-00000002\n"
    assert names(root) == [".bad-step-00000003-1", "LATEST", "step-00000001", "step-00000002"]
    assert len(worker.notes) == 2 and "SHA-256" in worker.notes[0]


def test_the_first_start_finds_nothing(tmp_path: Path) -> None:
    worker = Worker(tmp_path)
    assert worker.checkpoints.load(generation=1) == 0 and worker.checkpoints.newest() == -1
    assert not worker.root.exists() and worker.said == []


def test_where_none_verifies_the_job_stops_and_says_so(tmp_path: Path) -> None:
    root = trained(tmp_path).root
    for step in (1, 2, 3):
        flip(root / f"step-{step:08d}" / "state.pt")
    worker = Worker(tmp_path)
    before = worker.own.digest()
    with pytest.raises(FtcError, match="step-00000003.*step-00000002.*step-00000001"):
        worker.checkpoints.load(generation=2)
    assert worker.own.digest() == before and not worker.progress.holds_state


def test_a_master_that_counts_anew_does_not_stop_checkpoints(tmp_path: Path) -> None:
    """Its journal was lost: generation 9 has published, and the next is generation 1."""
    root = trained(tmp_path, generation=9).root
    worker = Worker(tmp_path, every=1, generation=1)
    worker.progress.step = worker.checkpoints.load(generation=1)
    worker.step()
    worker.checkpoints.join()
    assert worker.reports[-1].ok and (root / "LATEST").read_text() == "step-00000004\n"


def test_who_holds_a_state_takes_nothing_over(tmp_path: Path) -> None:
    root = trained(tmp_path, generation=9).root
    worker = Worker(tmp_path)
    assert worker.checkpoints.load(above=1, generation=1) == 3
    with hold(root) as lock:
        assert lock.generation == 9


def test_rank_0_takes_over_when_it_enters_a_generation(tmp_path: Path) -> None:
    root = trained(tmp_path).root
    worker = Worker(tmp_path, generation=5)
    worker.checkpoints.entered(cast(Any, worker))
    claimed = -1
    while claimed < 5:
        with hold(root) as lock:
            claimed = lock.generation


def test_the_last_one_is_durable_before_anybody_goes_on(tmp_path: Path) -> None:
    worker = trained(tmp_path)
    worker.progress.step += 1
    assert worker.checkpoints.finish(cast(Any, worker)) and worker.met == 1
    assert worker.checkpoints.is_final(4) and not worker.checkpoints.is_final(3) and worker.checkpoints.is_final(3, at_least=True)
    written = len(worker.reports)
    assert worker.checkpoints.finish(cast(Any, worker)) and len(worker.reports) == written


def test_the_last_one_is_tried_until_the_disk_takes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = trained(tmp_path)
    worker.progress.step += 1
    times = iter([FileExistsError(17, "File exists"), OSError(28, "No space left on device")])

    def trouble(*args: Any) -> int:
        for error in times:
            raise error
        return publish(*args)

    monkeypatch.setattr(writing, "publish", trouble)
    monkeypatch.setattr(policy, "FINAL_RETRY", 0.0)
    assert worker.checkpoints.finish(cast(Any, worker))
    assert [report.ok for report in worker.reports[-3:]] == [False, False, True]
    monkeypatch.setattr(policy, "FINAL_PATIENCE", -1.0)
    monkeypatch.setattr(writing, "publish", lambda *args: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    worker.progress.step += 1
    with pytest.raises(FtcError, match="No space left on device"):
        worker.checkpoints.finish(cast(Any, worker))


def test_one_that_was_superseded_at_the_end_leaves_the_rest_to_the_barrier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained(tmp_path, generation=7)
    worker = Worker(tmp_path, generation=3)
    worker.progress.step += 4

    def broken() -> None:
        raise Broken("nobody is there")

    monkeypatch.setattr(worker, "barrier", broken)
    with pytest.raises(Broken):
        worker.checkpoints.finish(cast(Any, worker))
    assert worker.reports[-1].error is not None and "generation 7 has taken over" in worker.reports[-1].error


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_volume_that_can_only_be_read_is_good_enough_to_load(tmp_path: Path) -> None:
    root = trained(tmp_path).root
    (root / ".lock").unlink()
    root.chmod(0o555)
    try:
        worker = Worker(tmp_path)
        assert worker.checkpoints.load(generation=2) == 3
        assert any("can be read, but not written" in note for note in worker.notes)
    finally:
        root.chmod(0o755)
