"""job.begin: a script knows where training goes on before it has drawn a slice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cluster import Cluster
from places import facts, fatal, go, reached

LENGTHS = {"epochs": {"FTC_EPOCHS": "3"}, "steps": {"FTC_EPOCHS": "", "FTC_STEPS": "12"}}
UNKNOWN = "is not known yet"


def began(tmp: Path, worker: str) -> dict[str, Any]:
    (fact,) = [fact for fact in facts(tmp, worker) if "began" in fact]
    assert fact["began"] == fact["again"] == fact["number"]
    return fact


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Without a call of begin."""
    with Cluster(tmp_path_factory.mktemp("alone"), "begins.py", "begin=no") as cluster:
        cluster.begin("a")
        (digest,) = cluster.digests("a")
        return digest


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("loop", ["steps", "batches"])
def test_fresh_and_resumed(tmp_path: Path, alone: str, length: str, loop: str) -> None:
    with Cluster(tmp_path, "begins.py", f"loop={loop}", "slice:7:*", **LENGTHS[length]) as cluster:
        cluster.begin("a", "b")
        cluster.master.wait(lambda _, m: m["type"] == "checkpoint" and m["step"] == 5 and m["ok"])
        reached(cluster, "slice:7:a", "slice:7:b")
        cluster.kill("a", "b")
        go(cluster)
        cluster.begin("c", "d")
        assert cluster.digests("c", "d") == {alone}
    assert [began(tmp_path, worker)["began"] for worker in "abcd"] == [0, 0, 5, 5]


@pytest.mark.parametrize("length", LENGTHS)
def test_what_is_known_before_and_after_the_data(tmp_path: Path, length: str) -> None:
    with Cluster(tmp_path, "begins.py", **LENGTHS[length]) as cluster:
        cluster.begin("a")
        cluster.digests("a")
        totals: set[int | None] = {m["totalSteps"] for _, m, _ in cluster.master.messages if m["type"] == "ready"}
    assert totals - {None} == {12} and (None in totals) == (length == "epochs")
    before, inside = facts(tmp_path, "a")[0]["before"], facts(tmp_path, "a")[2]["inside"]
    for early in (before, began(tmp_path, "a")["known"]):
        assert early["virtual"] == 6 and UNKNOWN in early["steps_per_epoch"]
        assert early["total_steps"] == 12 if length == "steps" else UNKNOWN in early["total_steps"]
    assert inside == {"virtual": 6, "total_steps": 12, "steps_per_epoch": 4}


@pytest.mark.parametrize("length", LENGTHS)
def test_a_newcomer_and_a_promoted_standby(tmp_path: Path, alone: str, length: str) -> None:
    with Cluster(tmp_path, "begins.py", "slice:4:b", **LENGTHS[length]) as cluster:
        cluster.start("s")
        cluster.master.wait_ready("s")
        cluster.begin("a", "b")
        reached(cluster, "slice:4:b")
        assert not facts(tmp_path, "s")[1:]
        cluster.start("n")
        cluster.master.wait_ready("n")
        cluster.kill("b")
        cluster.master.form(["s", "a", "n"])
        assert cluster.digests("a", "s", "n") == {alone}
    assert [began(tmp_path, worker)["began"] for worker in "sn"] == [4, 4]


def test_a_worker_is_lost_between_begin_and_the_data(tmp_path: Path, alone: str) -> None:
    with Cluster(tmp_path, "begins.py", "began:0:b") as cluster:
        cluster.begin("a", "b")
        reached(cluster, "began:0:b")
        cluster.start("n")
        cluster.master.wait_ready("n")
        cluster.kill("b")
        cluster.master.form(["n", "a"])
        assert cluster.digests("a", "n") == {alone}


def test_another_batch_size_is_refused_when_the_data_is_there(tmp_path: Path) -> None:
    with Cluster(tmp_path, "begins.py", "slice:7:*") as cluster:
        cluster.begin("a")
        cluster.master.wait(lambda _, m: m["type"] == "checkpoint" and m["step"] == 5 and m["ok"])
        reached(cluster, "slice:7:a")
        cluster.kill("a")
    before = sorted((tmp_path / "tiny").glob("step-*"))
    with Cluster(tmp_path, "begins.py", "size=48") as cluster:
        cluster.begin("c")
        assert "batch size: 24 there, 48 here" in fatal(cluster, "c")
    assert sorted((tmp_path / "tiny").glob("step-*")) == before and began(tmp_path, "c")["began"] == 5


@pytest.mark.parametrize("again", [False, True])
def test_shards_are_claimed_after_begin(tmp_path: Path, again: bool) -> None:
    """The reading's state has waited since begin, also where the members have met anew in between."""
    folder = tmp_path / "data"
    folder.mkdir()
    for shard in range(4):
        lines = [json.dumps({"x": [shard + line / 24 + i / 8 for i in range(8)]}) for line in range(24)]
        (folder / f"s{shard}.jsonl").write_text("".join(f"{line}\n" for line in lines))
    words = [f"data={folder}"]
    (tmp_path / "run").mkdir()
    (tmp_path / "alone").mkdir()
    with Cluster(tmp_path / "alone", "begins.py", *words) as cluster:
        cluster.begin("a")
        expected = cluster.digests("a")
    with Cluster(tmp_path / "run", "begins.py", *words, "slice:7:*", *(["began:5:d"] if again else [])) as cluster:
        cluster.begin("a", "b")
        cluster.master.wait(lambda _, m: m["type"] == "checkpoint" and m["step"] == 5 and m["ok"])
        reached(cluster, "slice:7:a", "slice:7:b")
        cluster.kill("a", "b")
        if again:
            cluster.begin("c", "d")
            reached(cluster, "began:5:d")
            cluster.kill("d")
            cluster.start("e")
            cluster.master.wait_ready("e")
            go(cluster)
            cluster.master.form(["e", "c"])
            assert cluster.digests("c", "e") == expected
        else:
            go(cluster)
            cluster.begin("c", "d")
            assert cluster.digests("c", "d") == expected
