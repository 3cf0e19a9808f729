"""SIGTERM makes a worker leave at the boundary, whatever its script did with signals; its helpers' is none of it."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from cluster import Cluster


def signalled(tmp: Path, kind: str) -> Cluster:
    return Cluster(tmp, "signalled.py", kind, FTC_EPOCHS="5", FTC_VIRTUAL_RANKS="4")


@pytest.mark.parametrize("kind", ["other", "this", "put_back", "own"])
def test_sigterm_leaves_at_the_boundary_after_the_script_had_signals_in_its_hands(tmp_path: Path, kind: str) -> None:
    with signalled(tmp_path, kind) as cluster:
        cluster.begin("a", "b")
        cluster.master.wait_step(4)
        assert "leaving" not in {m["type"] for _, m, _ in cluster.master.messages}
        cluster.signal("a", signal.SIGTERM)
        time.sleep(0.3)  # for the word to come to the worker's threads: it is told to nobody before the boundary
        (tmp_path / "go").touch()
        (leaving,) = cluster.master.wait(lambda w, m: w == "a" and m["type"] == "leaving", timeout=20)
        assert leaving["step"] == 5
        assert cluster.exit_code("a") == 0, cluster.log("a")
        assert ("the script has seen SIGTERM" in cluster.log("a")) == (kind == "own")
        cluster.master.form(["b"])
        assert len(cluster.digests("b")) == 1
        assert "broken" not in {m["type"] for _, m, _ in cluster.master.messages}


def test_a_helper_that_trains_is_told_that_it_is_none(tmp_path: Path) -> None:
    with signalled(tmp_path, "trains") as cluster:
        (tmp_path / "go").touch()
        cluster.begin("a", "b")
        assert len(cluster.digests("a", "b")) == 1
        assert "only the worker itself trains" in cluster.log("a")
        assert "failed" not in {m["type"] for _, m, _ in cluster.master.messages}
