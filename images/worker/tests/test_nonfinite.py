"""Numbers that are not finite: all workers see them in the same step, before anything has changed, and do the same about them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from cluster import Cluster
from places import facts, failures, go, reached

STEPS = {"FTC_EPOCHS": "", "FTC_STEPS": "20"}


def commits(tmp: Path, worker: str) -> list[dict[str, Any]]:
    return [fact for fact in facts(tmp, worker) if "committed" in fact]


@pytest.mark.parametrize(
    ("fault", "message"),
    [("loss", "the loss of step 7 is nan"), ("gradient", "the gradient's norm at step 7 is nan: model.3.bias")],
)
@pytest.mark.parametrize("names", ["a", "abc"])
def test_the_job_fails_on_every_worker_alike_before_the_step(tmp_path: Path, fault: str, message: str, names: str) -> None:
    with Cluster(tmp_path, "unsteady.py", f"fault={fault}", "from=6", "to=6", CHECKPOINT_EVERY="6", **STEPS) as cluster:
        cluster.begin(*names)
        said = failures(cluster, *names)
        assert len(set(said.values())) == 1 and message in said["a"]
        assert "the state is that of step 6" in said["a"] and "onNonFinite: skip" in said["a"]
        assert all(m["fatal"] and m["step"] == 6 for _, m, _ in cluster.master.messages if m["type"] == "failed")
    assert all(commits(tmp_path, worker)[-1]["committed"] == 6 for worker in names)


def test_skipped_steps_change_nothing_and_are_counted(tmp_path: Path) -> None:
    with Cluster(tmp_path, "unsteady.py", "fault=loss", "from=6", "to=8", FTC_ON_NON_FINITE="skip", **STEPS) as cluster:
        cluster.begin("a", "b", "c")
        assert len(cluster.digests("a", "b", "c")) == 1
        beats = [m["skipped"] for _, m, _ in cluster.master.messages if m["type"] == "heartbeat"]
        notes = [m["text"] for _, m, _ in cluster.master.messages if m["type"] == "note" and m["level"] == "warn"]
    assert max(beats) == 3 and any("the loss of step 7 is nan: the step is left out" in text for text in notes)
    told = {fact["committed"]: (fact["bias"], fact["mean"]) for fact in commits(tmp_path, "b")}
    assert told[6] == told[7] == told[8] == told[9] != told[10]
    assert len(told) == 20


def test_ten_in_a_row_are_too_many_also_across_a_loss_of_all(tmp_path: Path) -> None:
    """The count is a part of the state: who resumes goes on with it."""
    with Cluster(
        tmp_path, "unsteady.py", "fault=gradient", "from=6", "to=99", "slice:12:*", FTC_ON_NON_FINITE="skip", **STEPS
    ) as cluster:
        cluster.begin("a", "b")
        cluster.master.wait(lambda _, m: m["type"] == "checkpoint" and m["step"] == 10 and m["ok"])
        reached(cluster, "slice:12:a", "slice:12:b")
        cluster.kill("a", "b")
        go(cluster)
        cluster.begin("c", "d")
        said = failures(cluster, "c", "d")
        assert all("at step 16" in text and "the 10th step in a row" in text for text in said.values())
    assert [fact["committed"] for fact in commits(tmp_path, "c")] == [11, 12, 13, 14, 15]


def test_nine_in_a_row_are_not(tmp_path: Path) -> None:
    with Cluster(tmp_path, "unsteady.py", "fault=loss", "from=2", "to=10", FTC_ON_NON_FINITE="skip", **STEPS) as cluster:
        cluster.begin("a")
        cluster.digests("a")


def test_report_trains_on_and_says_so(tmp_path: Path) -> None:
    digests = set()
    for names in ("a", "abc"):
        (tmp_path / names).mkdir()
        with Cluster(tmp_path / names, "unsteady.py", "fault=gradient", "from=16", "to=16", FTC_ON_NON_FINITE="report", **STEPS) as cluster:
            cluster.begin(*names)
            digests |= cluster.digests(*names)
            notes = [m["text"] for _, m, _ in cluster.master.messages if m["type"] == "note" and m["level"] == "warn"]
        assert any("step 17" in text and "training goes on with it" in text for text in notes)
        state = torch.load(tmp_path / names / "tiny" / "step-00000020" / "state.pt", weights_only=True)
        assert bool(state["model"]["3.bias"].isnan().all())
    assert len(digests) == 1
