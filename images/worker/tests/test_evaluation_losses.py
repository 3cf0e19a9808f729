"""job.evaluate where workers are lost and come: only what is missing is done again, and no worker waits for one that will not come."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cluster import Cluster
from places import go, reached
from test_evaluation import parts, run, totals

PLACES = {"start": 0, "body": 5, "committed": 5, "slices": 5}


def words(place: str) -> list[str]:
    return [f"at={place}", "times=2", *(["loop=batches"] if place == "slices" else [])]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, list[dict[str, Any]]]]:
    found = {}
    for place in PLACES:
        tmp = tmp_path_factory.mktemp(place)
        found[place] = run(tmp, "a", *words(place)), once_each(tmp, "a")
    return found


def once_each(tmp: Path, worker: str) -> list[dict[str, Any]]:
    """Repetitions say the same: they are left out."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for fact in totals(tmp, worker):
        assert found.setdefault((fact["step"], fact["place"], fact["number"]), fact) == fact
    return list(found.values())


def is_part_of(found: list[dict[str, Any]], all_of_it: list[dict[str, Any]], place: str) -> bool:
    if place == "start":  # a worker that comes later evaluates where it begins
        return all(fact in all_of_it or fact["step"] > 0 for fact in found)
    return all(fact in all_of_it for fact in found)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("newcomer", [False, True])
def test_only_the_lost_slices_are_done_again(tmp_path: Path, alone: Any, place: str, newcomer: bool) -> None:
    step = PLACES[place]
    with Cluster(tmp_path, "evaluates.py", *words(place), f"part-{place}:{step}:b") as cluster:
        cluster.begin("a", "b", "c")
        reached(cluster, f"part-{place}:{step}:b")
        if newcomer:
            cluster.start("d")
            cluster.master.wait_ready("d")
        cluster.kill("b")
        names = ["c", "d", "a"] if newcomer else ["a", "c"]
        cluster.master.form(names)
        assert cluster.digests(*names) == {alone[place][0]}
    for worker in names:
        assert is_part_of(once_each(tmp_path, worker), alone[place][1], place)
    assert once_each(tmp_path, "a") == once_each(tmp_path, "c") == alone[place][1]
    if not newcomer:
        done = [number for worker in "ac" for number in parts(tmp_path, worker, place, step)]
        assert sorted(done) == sorted(list(range(10)) * 2)


@pytest.mark.parametrize("place", PLACES)
def test_a_worker_that_comes_in_the_step_after_an_evaluation_holds_no_other(tmp_path: Path, alone: Any, place: str) -> None:
    step = PLACES[place]
    with Cluster(tmp_path, "evaluates.py", *words(place), f"slice:{step}:b") as cluster:
        cluster.begin("a", "b", "c")
        reached(cluster, f"slice:{step}:b")
        cluster.start("d")
        cluster.master.wait_ready("d")
        cluster.kill("b")
        cluster.master.form(["d", "a", "c"])
        assert cluster.digests("a", "c", "d") == {alone[place][0]}
    for worker in "acd":
        assert is_part_of(once_each(tmp_path, worker), alone[place][1], place)


@pytest.mark.parametrize("place", ["body", "committed", "slices"])
def test_a_worker_joins_at_the_boundary_before_an_evaluation(tmp_path: Path, alone: Any, place: str) -> None:
    """The generation waits since step 4: it is met after the commit's evaluation, and before the body's."""
    with Cluster(tmp_path, "evaluates.py", *words(place), "slice:4:*") as cluster:
        cluster.begin("a", "b")
        cluster.start("d")
        cluster.master.wait_ready("d")
        reached(cluster, "slice:4:a", "slice:4:b")
        cluster.master.form(["d", "a", "b"], "boundary")
        go(cluster)
        assert cluster.digests("a", "b", "d") == {alone[place][0]}
    for worker in "abd":
        assert is_part_of(once_each(tmp_path, worker), alone[place][1], place)


def test_a_generation_that_waited_at_the_boundary_is_forgotten_when_the_evaluation_met_a_newer_one(tmp_path: Path, alone: Any) -> None:
    with Cluster(tmp_path, "evaluates.py", *words("committed"), "slice:4:a", "part-committed:5:b") as cluster:
        cluster.begin("a", "b")
        cluster.start("d")
        cluster.master.wait_ready("d")
        reached(cluster, "slice:4:a")
        cluster.master.form(["a", "b", "d"], "boundary")
        cluster.master.wait(lambda w, m: w == "a" and m["type"] == "heartbeat", since=len(cluster.master.messages))
        (tmp_path / "go").touch()
        reached(cluster, "part-committed:5:b")
        cluster.kill("b")
        cluster.master.form(["a", "d"])
        assert cluster.digests("a", "d") == {alone["committed"][0]}
