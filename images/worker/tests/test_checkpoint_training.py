"""Checkpoints of real workers: what they resume from gives the bits of a run that nothing happened to."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from cluster import Cluster


@pytest.fixture(scope="module")
def averaged(tmp_path_factory: pytest.TempPathFactory) -> str:
    with Cluster(tmp_path_factory.mktemp("averaged"), "average.py") as cluster:
        cluster.begin("a")
        (digest,) = cluster.digests("a")
        return digest


def test_what_a_script_does_after_a_step_is_part_of_that_steps_checkpoint(tmp_path: Path, averaged: str) -> None:
    with Cluster(tmp_path, "average.py", "9") as cluster:
        cluster.begin("a", "b")
        cluster.master.wait(lambda w, m: m["type"] == "checkpoint" and m["ok"] and m["step"] == 5)
        cluster.master.wait_step(9)
        cluster.kill("a", "b")
        (tmp_path / "go").touch()
        cluster.begin("a", "b")
        assert cluster.digests("a", "b") == {averaged}
        assert cluster.master.wait(lambda w, m: m["type"] == "note" and "resuming from the checkpoint of step 5" in m["text"])


def test_and_of_the_one_with_which_all_leave(tmp_path: Path, averaged: str) -> None:
    with Cluster(tmp_path, "average.py", "8") as cluster:
        cluster.begin("a", "b")
        cluster.master.wait_step(8)
        for name in ("a", "b"):
            cluster.signal(name, signal.SIGTERM)
        (tmp_path / "go").touch()
        for name in ("a", "b"):
            assert cluster.exit_code(name) == 0
            cluster.master.wait_gone(name)
        cluster.begin("a")
        assert cluster.digests("a") == {averaged}


def test_a_joiner_gets_it_too(tmp_path: Path, averaged: str) -> None:
    with Cluster(tmp_path, "average.py", "8") as cluster:
        cluster.begin("a")
        cluster.master.wait_step(8)
        cluster.start("b")
        cluster.master.wait_ready("b")
        cluster.master.form(["a", "b"], when="boundary")
        (tmp_path / "go").touch()
        assert cluster.digests("a", "b") == {averaged}


def test_a_rank_0_that_is_frozen_and_wakes_up_late_overwrites_nothing(tmp_path: Path, averaged: str) -> None:
    with Cluster(tmp_path, "average.py", "8") as cluster:
        cluster.begin("a", "b")
        # One that is frozen while it writes holds the lock of the checkpoints: test_checkpoint_fence.py is about that.
        cluster.master.wait(lambda w, m: m["type"] == "checkpoint" and m["ok"] and m["step"] == 5)
        cluster.master.wait_step(8)
        cluster.signal("a", signal.SIGSTOP)
        (tmp_path / "go").touch()
        cluster.master.form(["b"])
        cluster.master.wait(lambda w, m: w == "b" and m["type"] == "done")
        manifests = {path: path.read_bytes() for path in (tmp_path / "tiny").glob("*/manifest.json")}
        cluster.signal("a", signal.SIGCONT)
        assert cluster.digests("b") == {averaged}
        assert cluster.exit_code("a") is not None, "it wakes up, and is told to go like all others"
        assert {path: path.read_bytes() for path in (tmp_path / "tiny").glob("*/manifest.json")} == manifests
        assert (tmp_path / "tiny" / "LATEST").read_text() == f"{max(path.parent.name for path in manifests)}\n"
