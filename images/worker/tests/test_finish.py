"""job.finish: training ends at one step boundary in all workers, or says whose decisions differ."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from cluster import Cluster
from places import facts, failures, fatal, go, reached

WAYS = [("steps", "committed"), ("steps", "body"), ("batches", "committed"), ("batches", "slice")]


def words(loop: str, at: str) -> list[str]:
    return [f"loop={loop}", f"at={at}", "when=7"]


def reasons(cluster: Cluster) -> set[tuple[int, Any]]:
    return {(m["step"], m["reason"]) for _, m, _ in cluster.master.messages if m["type"] == "finishing"}


@pytest.fixture(scope="module")
def seven(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of a run that has seven steps anyway."""
    with Cluster(tmp_path_factory.mktemp("seven"), "ends.py", FTC_EPOCHS="", FTC_STEPS="7") as cluster:
        cluster.begin("a")
        (digest,) = cluster.digests("a")
        return digest


@pytest.mark.parametrize(("loop", "at"), WAYS)
@pytest.mark.parametrize("names", ["a", "abc"])
def test_all_end_at_that_step_with_the_reason(tmp_path: Path, seven: str, loop: str, at: str, names: str) -> None:
    with Cluster(tmp_path, "ends.py", *words(loop, at)) as cluster:
        cluster.begin(*names)
        assert cluster.digests(*names) == {seven}
        assert reasons(cluster) == {(7, "good enough")}
    for worker in names:
        assert facts(tmp_path, worker)[-1] == {"ended": 7}
    told = json.loads((tmp_path / "tiny" / "step-00000007" / "manifest.json").read_text())
    assert (told["step"], told["finished"]) == (7, "good enough")


@pytest.mark.parametrize("env", [{}, {"FTC_EPOCHS": "", "FTC_STEPS": "12"}])
@pytest.mark.parametrize("begin", [[], ["begin=yes"]])
def test_who_comes_when_all_are_gone_has_the_result_and_does_not_train(
    tmp_path: Path, seven: str, env: dict[str, str], begin: list[str]
) -> None:
    with Cluster(tmp_path, "ends.py", *words("steps", "committed"), *begin, **env) as cluster:
        cluster.begin("a", "b")
        cluster.master.wait(lambda _, m: m["type"] == "done", 2)
        cluster.kill("a", "b")
        since = len(cluster.master.messages)
        cluster.start("c")
        cluster.master.wait(lambda w, m: w == "c" and m["type"] in ("ready", "done"), since=since)
        cluster.master.form(["c"])
        assert cluster.digests("c") == {seven}
        assert reasons(cluster) == {(7, "good enough")}
    assert not [fact for fact in facts(tmp_path, "c") if "slice" in fact]


@pytest.mark.parametrize(("loop", "at"), WAYS)
@pytest.mark.parametrize("names", ["a", "ab"])
def test_who_goes_on_after_all_were_told_to_leave_at_that_step_ends_there_too(
    tmp_path: Path, seven: str, loop: str, at: str, names: str
) -> None:
    """They leave behind the commit of the step, and the decision that the script made there must not be gone with them."""
    with Cluster(tmp_path, "ends.py", *words(loop, at), "slice:6:*", "body:6:*", CHECKPOINT_EVERY="100") as cluster:
        cluster.begin(*names)
        where = "slice:6" if loop == "batches" else "body:6"
        reached(cluster, *(f"{where}:{name}" for name in names))
        for name in names:
            cluster.signal(name, signal.SIGTERM)
        cluster.master.wait(lambda _, m: m["type"] == "heartbeat", since=len(cluster.master.messages))
        go(cluster)
        for name in names:
            cluster.master.wait(lambda w, m, name=name: w == name and m["type"] == "leaving")  # type: ignore[misc]
            cluster.workers[name].join(30)
        since = len(cluster.master.messages)
        cluster.start("c")
        cluster.master.wait(lambda w, m: w == "c" and m["type"] in ("ready", "done"), since=since)
        cluster.master.form(["c"])
        assert cluster.digests("c") == {seven}
    assert not [fact for fact in facts(tmp_path, "c") if "slice" in fact and fact["slice"] >= 7 and at == "committed"]


def test_a_standby_that_waited_all_the_time_does_not_train_on(tmp_path: Path, seven: str) -> None:
    with Cluster(tmp_path, "ends.py", *words("batches", "committed")) as cluster:
        cluster.start("s")
        cluster.master.wait_ready("s")
        cluster.begin("a")
        cluster.master.wait(lambda _, m: m["type"] == "done")
        cluster.kill("a")
        cluster.master.form(["s"])
        assert cluster.digests("s") == {seven}
    assert not [fact for fact in facts(tmp_path, "s") if "slice" in fact]


@pytest.mark.parametrize(("loop", "at"), WAYS)
@pytest.mark.parametrize("order", ["dac", "acd"])
def test_a_worker_that_comes_as_the_others_finish_ends_with_them(tmp_path: Path, seven: str, loop: str, at: str, order: str) -> None:
    """Its script has not run the code after the commit, and so did not call job.finish."""
    with Cluster(tmp_path, "ends.py", *words(loop, at), "finished:7:b") as cluster:
        cluster.begin("a", "b", "c")
        cluster.start("d")
        cluster.master.wait_ready("d")
        reached(cluster, "finished:7:b")
        cluster.kill("b")
        cluster.master.form(list(order))
        assert cluster.digests(*order) == {seven}
        assert reasons(cluster) == {(7, "good enough")}


@pytest.mark.parametrize(("loop", "at"), WAYS)
@pytest.mark.parametrize("breaks", "abc")
def test_some_have_heard_that_all_end_and_others_not(tmp_path: Path, seven: str, loop: str, at: str, breaks: str) -> None:
    """The last reduction has ended in two workers, and broke in the third: they meet again, and must not wait for each other in different places."""
    with Cluster(tmp_path, "ends.py", *words(loop, at), f"breaks={breaks}") as cluster:
        cluster.begin("a", "b", "c")
        cluster.master.wait(lambda w, m: w == breaks and m["type"] == "broken")
        cluster.start("d")
        cluster.master.wait_ready("d")
        cluster.master.form(["a", "b", "c", "d"])
        assert cluster.digests(*"abcd") == {seven}
        assert reasons(cluster) == {(7, "good enough")}


@pytest.mark.parametrize(("loop", "at"), WAYS)
def test_a_worker_that_joins_at_that_boundary_ends_too(tmp_path: Path, seven: str, loop: str, at: str) -> None:
    with Cluster(tmp_path, "ends.py", *words(loop, at), "slice:6:*", "body:6:*") as cluster:
        cluster.begin("a", "b")
        cluster.start("d")
        cluster.master.wait_ready("d")
        where = "slice:6" if loop == "batches" else "body:6"
        reached(cluster, f"{where}:a", f"{where}:b")
        cluster.master.form(["d", "a", "b"], "boundary")
        cluster.master.wait(lambda w, m: w == "a" and m["type"] == "heartbeat", since=len(cluster.master.messages))
        go(cluster)
        assert cluster.digests("a", "b", "d") == {seven}


@pytest.mark.parametrize(("loop", "at"), WAYS)
def test_one_that_decides_alone_is_named(tmp_path: Path, loop: str, at: str) -> None:
    with Cluster(tmp_path, "ends.py", *words(loop, at), "who=b") as cluster:
        cluster.begin("a", "b", "c")
        said = failures(cluster, "a", "b", "c")
        assert all("job.finish was called at step 7 by worker b (rank 1), and not by the others" in text for text in said.values())
        assert "step.loss, job.evaluate, job.step_number" in fatal(cluster, "c")
    assert not (tmp_path / "tiny" / "step-00000007").exists()


def test_a_bare_break_recommends_it(tmp_path: Path) -> None:
    with Cluster(tmp_path, "raises.py", "break") as cluster:
        cluster.begin("a")
        assert 'call job.finish("the reason")' in fatal(cluster, "a")
