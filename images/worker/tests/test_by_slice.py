"""Registered state that changes with every slice is refused by name, also where all replicas have changed it alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster import Cluster

KINDS = {
    "torch": "extra.own.state changed between two slices of step 1",
    "numpy": "extra.numpy_own.state.state changed between two slices of step 1",
    "schedule": "optimizer.param_groups.0.lr changed between two slices of step 1",
    "object": "extra.counter.seen changed between two slices of step 1",
    "extra state": "model.0._extra_state.scale changed between two slices of step 1",
    "large": "parameter model.0.weight was changed within step 4, and was not in the first step of this worker",
}


def cluster(tmp: Path, *args: str) -> Cluster:
    return Cluster(tmp, "by_slice.py", *args, FTC_EPOCHS="", FTC_STEPS="5", FTC_VIRTUAL_RANKS="4", CHECKPOINT_EVERY="100")


@pytest.mark.parametrize("kind", KINDS)
def test_two_workers_with_two_slices_each(tmp_path: Path, kind: str) -> None:
    with cluster(tmp_path, kind) as job:
        job.begin("a", "b")
        (ended,) = job.master.wait(lambda _, m: m["type"] in ("done", "failed"))
        assert ended["type"] == "failed" and ended["fatal"], ended
        assert KINDS[kind] in ended["message"]


def test_what_changes_once_a_step_is_left_alone(tmp_path: Path) -> None:
    for kind in ("torch", "schedule"):
        (tmp_path / kind).mkdir()
        with cluster(tmp_path / kind, kind, "commit") as job:
            job.begin("a", "b")
            assert len(job.digests("a", "b")) == 1
