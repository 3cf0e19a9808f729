"""job.log and job.generator in training: lines and draws depend on the step alone, whoever carries what."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cluster import Cluster
from metrics import read
from places import facts, go, reached

STEPS = {"FTC_EPOCHS": "", "FTC_STEPS": "12"}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    tmp = tmp_path_factory.mktemp("alone")
    with Cluster(tmp, "unsteady.py", **STEPS) as cluster:
        cluster.begin("a")
        (digest,) = cluster.digests("a")
    return tmp, digest


def lines(tmp: Path) -> list[dict[str, Any]]:
    return read(tmp / "tiny" / "metrics.jsonl")


def slices(tmp: Path, worker: str) -> dict[tuple[int, int], tuple[str, str]]:
    return {(fact["at"], fact["first"]): (fact["drawn"], fact["torch"]) for fact in facts(tmp, worker) if "at" in fact}


def test_a_line_says_what_slice_0_logged_and_what_came_after_the_commit(alone: tuple[Path, str]) -> None:
    found = lines(alone[0])
    assert [line["step"] for line in found] == list(range(1, 13))
    assert [line["epoch"] for line in found] == [step // 4 for step in range(1, 13)]
    begun = [fact["first"] for fact in facts(alone[0], "a") if "at" in fact][::6]
    assert [line["first"] for line in found] == begun
    assert all(line["both"] == 2.0 and isinstance(line["loss"], float) for line in found)
    manifest = json.loads((alone[0] / "tiny" / "step-00000010" / "manifest.json").read_text())
    assert manifest["metrics"] == {name: found[9][name] for name in ("loss", "first", "both", "after", "numpy", "named")}


def test_each_step_has_one_line_under_kills_and_a_return(tmp_path: Path, alone: tuple[Path, str]) -> None:
    """Generators of torch and numpy that the script registered come back, too: their draws are in the lines."""
    with Cluster(tmp_path, "unsteady.py", "slice:2:a", "committed:6:c", "slice:8:*", **STEPS) as cluster:
        cluster.begin("a", "b", "c")
        reached(cluster, "slice:2:a")
        cluster.kill("a")
        cluster.master.form(["b", "c"])
        reached(cluster, "committed:6:c")
        cluster.start("d")
        cluster.master.wait_ready("d")
        cluster.kill("c")
        cluster.master.form(["d", "b"])
        reached(cluster, "slice:8:b", "slice:8:d")
        cluster.kill("b", "d")
        go(cluster)
        cluster.begin("e", "f")
        assert cluster.digests("e", "f") == {alone[1]}
    assert lines(tmp_path) == lines(alone[0])
    for worker in "bcdef":
        assert slices(tmp_path, worker).items() <= slices(alone[0], "a").items()


def test_what_slice_0_logged_is_in_the_line_that_another_worker_writes(tmp_path: Path, alone: tuple[Path, str]) -> None:
    """The worker that carried the slice dies after the commit, before it has written."""
    with Cluster(tmp_path, "unsteady.py", "committed:6:a", **STEPS) as cluster:
        cluster.begin("a", "b", "c")
        reached(cluster, "committed:6:a")
        cluster.kill("a")
        cluster.master.form(["b", "c"])
        go(cluster)
        assert cluster.digests("b", "c") == {alone[1]}
    assert lines(tmp_path) == lines(alone[0])


def test_a_generator_has_numbers_of_its_own_at_every_place(alone: tuple[Path, str]) -> None:
    draws = slices(alone[0], "a")
    named, by_torch = {drawn for drawn, _ in draws.values()}, {drawn for _, drawn in draws.values()}
    after = {line["named"] for line in lines(alone[0])}
    assert len(named) == len(by_torch) == len(draws) == 72 and len(after) == 12
    assert not named & by_torch and not {float.fromhex(drawn) for drawn in named} & after
