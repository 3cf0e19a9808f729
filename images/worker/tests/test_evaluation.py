"""job.evaluate: the same numbers for every number of workers, and nothing of it is left in training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cluster import Cluster
from places import facts, fatal

EVERYWHERE = "at=start,body,committed,ended"


def run(tmp: Path, names: str, *args: str) -> str:
    tmp.mkdir(exist_ok=True)
    with Cluster(tmp, "evaluates.py", *args) as cluster:
        cluster.begin(*names)
        (digest,) = cluster.digests(*names)
        return digest


def totals(tmp: Path, worker: str) -> list[dict[str, Any]]:
    return [fact for fact in facts(tmp, worker) if "total" in fact]


def parts(tmp: Path, worker: str, place: str, step: int) -> list[int]:
    return [fact["part"] for fact in facts(tmp, worker) if "part" in fact and (fact["place"], fact["step"]) == (place, step)]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[dict[str, Any]]]:
    tmp = tmp_path_factory.mktemp("alone")
    return run(tmp, "a", EVERYWHERE, "times=2"), totals(tmp, "a")


@pytest.mark.parametrize("names", ["ab", "abc", "abcde"])
def test_any_number_of_workers_gives_the_same_numbers_and_shares_the_work(tmp_path: Path, alone: Any, names: str) -> None:
    assert run(tmp_path, names, EVERYWHERE, "times=2") == alone[0]
    for worker in names:
        assert totals(tmp_path, worker) == alone[1]
    shared = [parts(tmp_path, worker, "body", 5) for worker in names]
    assert sorted(number for own in shared for number in own) == sorted(list(range(10)) * 2)
    assert all(shared)


def test_every_call_has_numbers_of_its_own(alone: Any) -> None:
    """The function draws: each call at each place and step does so anew."""
    places = [(fact["place"], fact["step"], fact["number"]) for fact in alone[1]]
    expected = [("start", 0)] + [(place, step) for step in (0, 5, 10, 15) for place in ("committed", "body")][1:-1] + [("ended", 15)]
    assert places == [(place, step, number) for place, step in [expected[0], *expected[1:]] for number in (0, 1)]
    assert len({fact["total"] for fact in alone[1]}) == len(alone[1])


def test_training_is_what_it_is_without(tmp_path: Path, alone: Any) -> None:
    assert run(tmp_path / "without", "a") == alone[0]
    assert run(tmp_path / "batches", "ab", "loop=batches", "at=slices,committed") == alone[0]


@pytest.mark.parametrize("how", ["in-place", "data"])
def test_parameters_that_forward_changes_are_put_back(tmp_path: Path, how: str) -> None:
    """How often they would change depends on how many parts a worker computes."""
    without = run(tmp_path / "without", "a", f"follow={how}")
    assert run(tmp_path / "alone", "a", f"follow={how}", EVERYWHERE) == without
    assert run(tmp_path / "three", "abc", f"follow={how}", EVERYWHERE) == without
    assert totals(tmp_path / "three", "b") == totals(tmp_path / "alone", "a")


def test_in_the_loop_over_batches_it_is_one_evaluation_for_all_slices_of_a_step(tmp_path: Path) -> None:
    """Workers that carry different numbers of slices call it differently often."""
    for names in ("a", "abcd"):
        (tmp_path / names).mkdir()
        run(tmp_path / names, names, "loop=batches", "at=slices")
    everyone = [fact for worker in "abcd" for fact in totals(tmp_path / "abcd", worker)]
    alone = totals(tmp_path / "a", "a")
    assert {(fact["step"], fact["total"]) for fact in everyone} == {(fact["step"], fact["total"]) for fact in alone}
    assert len({fact["step"] for fact in alone}) == 3 == len({fact["total"] for fact in alone})
    assert sorted(number for worker in "abcd" for number in parts(tmp_path / "abcd", worker, "slices", 5)) == list(range(10))


def test_tensors_and_collections_are_added_up(tmp_path: Path) -> None:
    for names in ("a", "abc"):
        (tmp_path / names).mkdir()
        run(tmp_path / names, names, "kind=nested", "at=body")
    found = totals(tmp_path / "a", "a")
    assert found == totals(tmp_path / "abc", "b")
    total = found[0]["total"]
    assert total["parts"][0] == 50 and total["parts"][1][1] == 10 and len(total["parts"][1][0]) == 2


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["at=body", "kind=kinds"], "different kinds of things for different slices"),
        (["at=body", "kind=kinds", "text=yes"], "the function returned a str"),
        (["at=between"], "call it before or after both"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(tmp_path: Path, args: list[str], message: str) -> None:
    with Cluster(tmp_path, "evaluates.py", *args) as cluster:
        cluster.begin("a")
        assert message in fatal(cluster, "a")
