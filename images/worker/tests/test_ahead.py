"""What a script changes between `for step` and `for batch`, of what is registered: it is done once a step in all workers, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster import Cluster
from places import failures, fatal, go, reached

ANEW = 75


def alone(tmp: Path, *options: str, script: str = "ahead.py") -> str:
    """The digest of one undisturbed worker."""
    with Cluster(tmp / "alone", script, *options, FTC_EPOCHS="", FTC_STEPS="12") as cluster:
        cluster.begin("a")
        (found,) = cluster.digests("a")
        return found


def three(tmp: Path, *options: str, script: str = "ahead.py") -> Cluster:
    return Cluster(tmp / "three", script, *options, FTC_EPOCHS="", FTC_STEPS="12")


def joins(cluster: Cluster, *names: str, of: tuple[str, ...]) -> None:
    cluster.start(*names)
    cluster.master.wait_ready(*names)
    cluster.master.form([*of, *names])


def diverged(cluster: Cluster) -> list[object]:
    return [m for _, m, _ in cluster.master.messages if m["type"] == "diverged"]


@pytest.mark.parametrize(("head", "name"), [("forward", "model.0.running_mean"), ("scale", "model.1.weight")])
def test_a_tensor_that_is_changed_there_is_refused_in_the_first_step(tmp_path: Path, head: str, name: str) -> None:
    with three(tmp_path, f"head={head}") as cluster:
        cluster.begin("a")
        text = fatal(cluster, "a")
        assert text.startswith(f"{name} changed between `for step` and `for batch` of step 1:"), text
        assert "after step.commit()" in text


@pytest.mark.parametrize(("begin", "name"), [("scale", "model.1.weight"), ("rate", "optimizer.param_groups.0.lr"), ("by-score", "model.1.weight")])
def test_what_is_changed_between_begin_and_the_loop_is_refused(tmp_path: Path, begin: str, name: str) -> None:
    with three(tmp_path, "head=rate", f"begin={begin}") as cluster:
        cluster.begin("a")
        text = fatal(cluster, "a")
        assert text.startswith(f"{name} changed between job.begin (or a job.evaluate) and the loop, at step 1:"), text
        assert "Change it before job.begin" in text


def test_random_numbers_that_are_drawn_there_are_the_same_in_a_worker_that_joins(tmp_path: Path) -> None:
    right = alone(tmp_path, "head=rate", "begin=draw")
    assert right != alone(tmp_path / "without", "head=rate")
    with three(tmp_path, "head=rate", "begin=draw", "slice:4:a") as cluster:
        cluster.begin("a")
        reached(cluster, "slice:4:a")
        joins(cluster, "d", of=("a",))
        go(cluster)
        assert cluster.digests("a", "d") == {right}


def test_a_state_that_is_taken_between_begin_and_the_loop_is_no_change(tmp_path: Path) -> None:
    """Workers d and e evaluate there, and are brought on by worker a meanwhile."""
    right = alone(tmp_path, "head=rate", "begin=evaluate")
    with three(tmp_path, "head=rate", "begin=evaluate", "evaluate:4:d", "slice:7:a", "slice:4:a") as cluster:
        cluster.begin("a")
        reached(cluster, "slice:4:a")
        joins(cluster, "d", "e", of=("a",))
        go(cluster)
        assert cluster.digests("a", "d", "e") == {right}
        assert not diverged(cluster)


def test_a_number_that_comes_out_differently_when_it_is_done_again_is_refused_in_a_worker_that_joins(tmp_path: Path) -> None:
    with three(tmp_path, "head=decay", "slice:4:a") as cluster:
        cluster.begin("a", "b")
        reached(cluster, "slice:4:a")
        cluster.kill("b")  # so that worker a cannot make this step before the others join
        joins(cluster, "d", "e", of=("a",))
        go(cluster)
        cluster.master.wait(lambda w, m: m["type"] == "failed")
        text = next(iter(failures(cluster).values()))
        assert text.startswith("optimizer.param_groups.0.lr changed between `for step` and `for batch` of step 5:"), text
        assert not diverged(cluster)


@pytest.mark.parametrize("head", ["rate", "slices"])
@pytest.mark.parametrize("more", [(), ("d", "e")])
def test_a_number_that_follows_from_the_step_may_be_set_there_or_in_a_slice(tmp_path: Path, head: str, more: tuple[str, ...]) -> None:
    """Worker a has set it for step 5, worker b is to come to that place, and c is lost."""
    right = alone(tmp_path, f"head={head}")
    with three(tmp_path, f"head={head}", "slice:4:a", "tail:4:b", "slice:4:c") as cluster:
        cluster.begin("a", "b", "c")
        reached(cluster, "slice:4:a", "tail:4:b", "slice:4:c")
        cluster.kill("c")
        joins(cluster, *more, of=("a", "b"))
        go(cluster)
        assert cluster.digests("a", "b", *more) == {right}
        assert not diverged(cluster)


def test_workers_that_join_during_an_evaluation_there_take_the_state_that_follows_it(tmp_path: Path) -> None:
    right = alone(tmp_path, "head=evaluate")
    with three(tmp_path, "head=evaluate", "evaluate:4:a") as cluster:
        cluster.begin("a")
        reached(cluster, "evaluate:4:a")
        joins(cluster, "d", "e", of=("a",))
        go(cluster)
        assert cluster.digests("a", "d", "e") == {right}
        assert not diverged(cluster)


@pytest.mark.parametrize(("script", "options"), [("ahead.py", ("head=evaluate",)), ("prepared.py", ("after=evaluate",))])
def test_they_start_anew_where_all_that_could_give_it_are_lost(tmp_path: Path, script: str, options: tuple[str, ...]) -> None:
    right = alone(tmp_path, *options, script=script)
    with three(tmp_path, *options, "evaluate:4:a", "stay=a", script=script) as cluster:
        cluster.begin("a")
        reached(cluster, "evaluate:4:a")
        joins(cluster, "d", "e", of=("a",))
        go(cluster)
        reached(cluster, "stay:4:a")
        cluster.kill("a")
        cluster.master.form(["d", "e"])
        assert {cluster.exit_code(name) for name in "de"} == {ANEW}, cluster.log("d")
        cluster.begin("f", "g")
        assert cluster.digests("f", "g") == {right}
        assert not diverged(cluster)


@pytest.mark.parametrize("left", [("b",), ("b", "c")])
@pytest.mark.parametrize(("script", "options"), [("ahead.py", ("head=evaluate",)), ("prepared.py", ("after=evaluate",))])
def test_workers_that_the_others_have_brought_on_in_such_an_evaluation_run_their_scripts_again(
    tmp_path: Path, left: tuple[str, ...], script: str, options: tuple[str, ...]
) -> None:
    """What they would do after it belongs to step 5, and the others are at step 8."""
    stay = [name for name in "abc" if name not in left]
    right = alone(tmp_path, *options, script=script)
    with three(tmp_path, *options, *(f"evaluate:4:{name}" for name in left), "slice:7:a", script=script) as cluster:
        cluster.begin("a", "b", "c")
        reached(cluster, *(f"evaluate:4:{name}" for name in left))
        cluster.master.form(stay)
        reached(cluster, "slice:7:a")
        cluster.master.form(["a", "b", "c"])
        go(cluster)
        assert {cluster.exit_code(name) for name in left} == {ANEW}
        joins(cluster, "d", "e", of=tuple(stay))
        assert cluster.digests(*stay, "d", "e") == {right}
        assert not diverged(cluster)


def test_workers_that_go_back_to_the_state_before_it_run_it_again(tmp_path: Path) -> None:
    """The newest checkpoint is that of the step at which their replicas differ."""
    right = alone(tmp_path, "head=rate")
    with three(tmp_path, "head=rate", "flip=5", "slice:6:*") as cluster:
        cluster.begin("a", "c")
        reached(cluster, "slice:6:a", "slice:6:c")
        cluster.master.wait(lambda w, m: m["type"] == "checkpoint" and m["step"] == 5)
        cluster.kill("a", "c")
        go(cluster)
        cluster.begin("d", "b")
        assert {cluster.exit_code(name) for name in "db"} == {ANEW}
        cluster.begin("e", "f")
        assert cluster.digests("e", "f") == {right}
