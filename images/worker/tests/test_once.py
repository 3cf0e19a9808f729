"""job.once: a side effect of a committed step runs in exactly one worker, whoever dies."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster import Cluster
from metrics import read
from places import fatal, go, reached

STEPS = {"FTC_EPOCHS": "", "FTC_STEPS": "12"}


def effects(tmp: Path) -> list[str]:
    return (tmp / "effects").read_text().splitlines()


EACH = [f"{step} {name}" for step in range(1, 13) for name in ("one", "two")]


@pytest.mark.parametrize("names", ["a", "abc"])
def test_each_runs_once_in_order(tmp_path: Path, names: str) -> None:
    with Cluster(tmp_path, "effects.py", **STEPS) as cluster:
        cluster.begin(*names)
        cluster.digests(*names)
    assert effects(tmp_path) == EACH


@pytest.mark.parametrize("name", ["one", "two"])
@pytest.mark.parametrize("step", [4, 12])
def test_another_worker_runs_it_where_the_first_died_before(tmp_path: Path, name: str, step: int) -> None:
    with Cluster(tmp_path, "effects.py", f"before-{name}:{step}:a", **STEPS) as cluster:
        cluster.begin("a", "b", "c")
        cluster.start("d")
        cluster.master.wait_ready("d")
        reached(cluster, f"before-{name}:{step}:a")
        cluster.kill("a")
        cluster.master.form(["b", "c", "d"])
        cluster.digests("b", "c", "d")
    assert effects(tmp_path) == EACH


def test_a_newcomer_that_leads_leaves_it_to_one_that_knows_it(tmp_path: Path) -> None:
    """The newcomer has not run the code after the commit: it cannot run the effect, and the others must not wait for it to."""
    with Cluster(tmp_path, "effects.py", "before-one:4:a", **STEPS) as cluster:
        cluster.begin("a", "b", "c")
        cluster.start("d")
        cluster.master.wait_ready("d")
        reached(cluster, "before-one:4:a")
        cluster.kill("a")
        cluster.master.form(["d", "b", "c"])
        cluster.digests("b", "c", "d")
    assert sorted(effects(tmp_path), key=EACH.index) == EACH


def test_it_does_not_run_again_where_the_first_died_after(tmp_path: Path) -> None:
    with Cluster(tmp_path, "effects.py", "committed:4:a", **STEPS) as cluster:
        cluster.begin("a", "b")
        reached(cluster, "committed:4:a")
        cluster.kill("a")
        cluster.master.form(["b"])
        cluster.digests("b")
    assert effects(tmp_path) == EACH


def test_steps_that_are_made_again_after_a_return_do_not_run_it_again(tmp_path: Path) -> None:
    with Cluster(tmp_path, "effects.py", "committed:8:*", **STEPS) as cluster:
        cluster.begin("a", "b")
        reached(cluster, "committed:8:a", "committed:8:b")
        cluster.master.wait(lambda _, m: m["type"] == "checkpoint" and m["step"] == 5 and m["ok"])
        cluster.kill("a", "b")
        go(cluster)
        cluster.begin("c", "d")
        cluster.digests("c", "d")
    assert effects(tmp_path) == EACH


@pytest.mark.parametrize("place", ["start", "slice", "ended"])
def test_where_no_step_was_committed_it_is_refused(tmp_path: Path, place: str) -> None:
    with Cluster(tmp_path, "effects.py", f"place={place}", **STEPS) as cluster:
        cluster.begin("a")
        assert "job.once belongs after the commit of a step" in fatal(cluster, "a")


@pytest.mark.parametrize("order", ["dac", "acd"])
def test_no_line_of_a_step_is_lost_where_a_newcomer_leads(tmp_path: Path, order: str) -> None:
    """Those that committed the step are still in the script's own code behind it when the leader dies: what they log then is its line."""
    with Cluster(tmp_path, "effects.py", "committed:4:*", **STEPS) as cluster:
        cluster.begin("b", "a", "c")
        cluster.start("d")
        cluster.master.wait_ready("d")
        reached(cluster, *(f"committed:4:{name}" for name in "abc"))
        cluster.kill("b")
        cluster.master.form(list(order))
        go(cluster)
        cluster.digests(*order)
    lines = read(tmp_path / "tiny" / "metrics.jsonl")
    assert [(line["step"], line["noted"]) for line in lines] == [(step, step) for step in range(1, 13)]
