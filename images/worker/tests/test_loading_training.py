"""Whole workers with loader processes: the same bits for any number of either, whoever is lost."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from cluster import Cluster


def cluster(tmp: Path, *args: str) -> Cluster:
    return Cluster(tmp, "loading.py", *args)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The digest of a run with one worker that loads its samples itself."""
    with cluster(tmp_path_factory.mktemp("alone"), "0") as running:
        running.begin("a")
        (digest,) = running.digests("a")
    return digest


@pytest.mark.parametrize(("processes", "names"), [("1", "a"), ("2", "ab"), ("0", "abc"), ("3", "abcdef"), ("1/spawn", "ab")])
def test_bits_depend_on_no_number_of_workers_or_of_processes(tmp_path: Path, alone: str, processes: str, names: str) -> None:
    with cluster(tmp_path, processes) as running:
        running.begin(*names)
        assert running.digests(*names) == {alone}


def test_a_loss_and_a_join_change_only_who_loads_what(tmp_path: Path, alone: str) -> None:
    with cluster(tmp_path, "2", "9:*") as running:
        running.begin("a", "b", "c")
        running.master.wait_step(9)
        lost = children(running, "b")
        assert len(lost) == 2
        running.kill("b")
        running.start("d")
        running.master.wait_ready("d")
        (tmp_path / "go").touch()
        running.master.form(["a", "c", "d"])
        until = time.monotonic() + 10
        while any((Path("/proc") / pid / "environ").exists() for pid in lost):
            assert time.monotonic() < until, "loader processes outlive their worker"
            time.sleep(0.01)
        assert running.digests("a", "c", "d") == {alone}


def children(running: Cluster, name: str) -> list[str]:
    pid = running.workers[name].pid
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
