"""What a script does between `for step` and `for batch` is done for the step whose slices follow, whatever happens meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster import Cluster
from places import fatal, go, reached

ANEW = 75


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Digests of one undisturbed worker."""
    found = {}
    for head in ("number", "state", "none"):
        with Cluster(tmp_path_factory.mktemp(head), "prepared.py", f"head={head}") as cluster:
            cluster.begin("a")
            (found[head],) = cluster.digests("a")
    assert found["none"] == found["number"] != found["state"]
    return found


def brought_on(cluster: Cluster) -> None:
    """Workers a and c make steps without b, which is in step 4, and then take it in again."""
    cluster.begin("a", "b", "c")
    reached(cluster, "slice:4:b")
    cluster.master.form(["a", "c"])
    reached(cluster, "slice:7:a", "slice:7:c")
    cluster.master.form(["a", "b", "c"])
    go(cluster)


@pytest.mark.parametrize("step", [4, 12])
def test_workers_that_join_during_an_evaluation_take_the_state_that_follows_it(tmp_path: Path, step: int) -> None:
    """Worker a evaluates after that step, of which 12 is the last, and then changes the model by the result. The two that join meanwhile are
    more than it is."""
    with Cluster(tmp_path / "alone", "prepared.py", "after=evaluate", FTC_EPOCHS="", FTC_STEPS="12") as cluster:
        cluster.begin("a")
        (right,) = cluster.digests("a")
    with Cluster(tmp_path / "three", "prepared.py", "after=evaluate", f"evaluate:{step}:a", FTC_EPOCHS="", FTC_STEPS="12") as cluster:
        cluster.begin("a")
        reached(cluster, f"evaluate:{step}:a")
        cluster.start("d", "e")
        cluster.master.wait_ready("d", "e")
        cluster.master.form(["a", "d", "e"])
        go(cluster)
        assert cluster.digests("a", "d", "e") == {right}
        assert not [m for _, m, _ in cluster.master.messages if m["type"] == "diverged"]


HOLDS = ("slice:4:b", "slice:7:a", "slice:7:c")


@pytest.mark.parametrize("options", [("head=number",), ("head=state",), ("head=none", "wrap=own"), ("head=state", "wrap=map"), ("head=state", "place=line")])
def test_a_worker_that_the_others_have_brought_on_runs_its_script_again(tmp_path: Path, alone: dict[str, str], options: tuple[str, ...]) -> None:
    with Cluster(tmp_path, "prepared.py", *options, *HOLDS) as cluster:
        brought_on(cluster)
        assert cluster.exit_code("b") == ANEW, cluster.log("b")
        (note,) = cluster.master.wait(lambda w, m: w == "b" and m["type"] == "note" and "anew" in m["text"])
        assert "was done for step 5, and the job is at step 8" in note["text"]
        cluster.start("d")
        cluster.master.wait_ready("d")
        cluster.master.form(["a", "c", "d"])
        assert cluster.digests("a", "c", "d") == {alone[options[0].removeprefix("head=")]}


def test_it_goes_on_where_the_script_does_nothing_there(tmp_path: Path, alone: dict[str, str]) -> None:
    with Cluster(tmp_path, "prepared.py", "head=none", *HOLDS) as cluster:
        brought_on(cluster)
        assert cluster.digests("a", "b", "c") == {alone["none"]}


@pytest.mark.parametrize("head", ["number", "state"])
def test_all_do_when_they_go_back_to_a_checkpoint(tmp_path: Path, alone: dict[str, str], head: str) -> None:
    with Cluster(tmp_path, "prepared.py", f"head={head}", "flip=7") as cluster:
        cluster.begin("a", "b")
        assert {cluster.exit_code(name) for name in "ab"} == {ANEW}
        cluster.begin("c", "d")
        assert cluster.digests("c", "d") == {alone[head]}


def test_a_difference_that_comes_back_after_that_fails_the_job(tmp_path: Path) -> None:
    with Cluster(tmp_path, "prepared.py", "flip=7", "always=yes") as cluster:
        cluster.begin("a", "b")
        assert {cluster.exit_code(name) for name in "ab"} == {ANEW}
        cluster.begin("c", "b")
        assert "It was put right, and came back" in fatal(cluster, "c")


def test_or_go_on_where_nothing_is_done_there(tmp_path: Path, alone: dict[str, str]) -> None:
    with Cluster(tmp_path, "prepared.py", "head=none", "flip=7") as cluster:
        cluster.begin("a", "b")
        assert cluster.digests("a", "b") == {alone["none"]}
