"""Values of a script's own that no registered object holds: where processes differ in them, the job is refused, whoever is lost."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from cluster import Cluster
from ftc.control import Agreed, Row
from ftc.stages import Stage, Told
from ftc.witness import EARLY, EVERY, Difference, Witness, difference, word
from places import failures, go, reached


def run(tmp: Path, kind: str, *places: str, **env: str) -> Cluster:
    tmp.mkdir(exist_ok=True)
    return Cluster(tmp, "local.py", f"kind={kind}", *places, FTC_EPOCHS="", FTC_STEPS="12", CHECKPOINT_EVERY="4", **env)


def alone(tmp: Path, kind: str) -> str:
    with run(tmp / "alone", kind) as cluster:
        cluster.begin("a")
        (found,) = cluster.digests("a")
        return found


def refusal(cluster: Cluster) -> str:
    cluster.master.wait(lambda w, m: m["type"] in ("failed", "done"))
    told = failures(cluster)
    assert told, "it trained to its end"
    return next(iter(told.values()))


@pytest.mark.parametrize("kind", ["noise", "mean", "attribute", "calls", "hook"])
def test_a_value_that_is_not_the_same_in_all_workers_is_refused_in_their_first_step(tmp_path: Path, kind: str) -> None:
    with run(tmp_path, kind) as cluster:
        cluster.begin("a", "b", "c")
        text = refusal(cluster)
        assert text.startswith("the first slice of step 1 has another result in worker "), text
        assert "no registered object holds" in text


@pytest.mark.parametrize("kind", ["mask", "copy", "mean", "attribute", "calls", "hook"])
@pytest.mark.parametrize("place", ["slice", "tail"])
def test_a_worker_that_joins_with_another_value_is_refused_in_its_first_step(tmp_path: Path, kind: str, place: str) -> None:
    with run(tmp_path, kind, f"{place}:6:a") as cluster:
        cluster.begin("a")
        reached(cluster, f"{place}:6:a")
        cluster.start("d", "e")
        cluster.master.wait_ready("d", "e")
        cluster.master.form(["a", "d", "e"])
        go(cluster)
        text = refusal(cluster)
        steps = [(step + 1, step) for step in (6, 7)]  # worker a may have made a step alone before it meets them
        starts = ["the first slice of step %d has another result in worker d (rank 1), worker e (rank 2), which began at step %d, than in" % at for at in steps]
        assert text.startswith(tuple(starts)), text


@pytest.mark.parametrize(
    ("size", "kind"), [*((1, kind) for kind in ("mask", "noise", "copy", "mean", "attribute", "calls", "hook")), (2, "mask"), (2, "copy")]
)
@pytest.mark.parametrize("place", ["slice:4:a", "tail:5:a", "slice:6:a"])
def test_a_step_that_comes_out_differently_after_all_were_lost_is_refused(tmp_path: Path, size: int, kind: str, place: str) -> None:
    right = alone(tmp_path, kind)
    with run(tmp_path / "killed", kind, place) as cluster:
        cluster.begin(*"ab"[:size])
        reached(cluster, place)
        cluster.kill(*"ab"[:size])
        go(cluster)
        cluster.begin(*"cd"[:size])
        cluster.master.wait(lambda w, m: m["type"] in ("failed", "done"))
        told = failures(cluster)
        if not told:
            assert cluster.digests(*"cd"[:size]) == {right}
        for text in told.values():
            assert "before all workers were lost" in text, text


@pytest.mark.parametrize("kind", ["fixed", "seeded", "step"])
def test_a_value_that_is_the_same_in_every_process_is_no_reason(tmp_path: Path, kind: str) -> None:
    right = alone(tmp_path, kind)
    with run(tmp_path / "killed", kind, "slice:5:a", "slice:9:*") as cluster:
        cluster.begin("a", "b", "c")
        reached(cluster, "slice:5:a")
        cluster.kill("b")
        cluster.start("d")
        cluster.master.wait_ready("d")
        cluster.master.form(["a", "c", "d"])
        (cluster.tmp / "go").touch()
        assert cluster.digests("a", "c", "d") == {right}


def told(made: bool) -> Told:
    return Told(Stage.SLICES, 0, False, made)


def looked(*words: int) -> Agreed:
    return Agreed(tuple(Row(1, 0, 0, 1, 1, 1, witness=word) for word in words), 0.5, 1.0)


def test_the_first_step_of_a_generation_is_witnessed_the_last_one_and_some_between() -> None:
    assert [step for step in range(3000) if Witness().due(step, 2)] == [*sorted(EARLY), EVERY, 2 * EVERY]
    assert Witness().due(30, 2, last=True) and not Witness().due(30, 1, last=True)
    witness = Witness()
    witness.met(5, [told(True), told(False)])
    assert witness.due(5, 2) and not witness.due(5, 1)
    group: Any = None  # nobody is asked where all say the same
    assert witness.agrees(group, looked(0, 0), {}, ["a", "b"], 5) and witness.due(6, 2)  # a slice of weight 0 shows nothing
    assert witness.agrees(group, looked(7, 7), {}, ["a", "b"], 6) and not witness.due(7, 2)


def test_the_newcomers_differ_from_the_others_or_the_minority_does() -> None:
    a, b = {"the loss": 1, "w": 2}, {"the loss": 1, "w": 3}
    assert difference([a, a, a]) is None
    assert difference([a, b, a]) == Difference("w", (1,))
    assert difference([b, a, a]) == Difference("w", (0,))
    assert difference([a, b], newcomers=[0]) == Difference("w", (0,))
    assert difference([a, b, b], newcomers=[1, 2]) == Difference("w", (1, 2))
    assert difference([a, b, b, a], newcomers=[2]) == Difference("w", (1, 2))
    assert difference([a, b]) == Difference("w", (1,))
    assert difference([{}, a, {"the loss": 1}]) is None
    assert word(a) != word(b) and word(a) == word(dict(reversed(a.items())))


def test_what_came_out_is_told_apart_by_every_bit() -> None:
    from ftc.witness import prints_of

    one = torch.tensor([0.0, 1.0])
    assert prints_of([("w", one)]) != prints_of([("w", torch.tensor([-0.0, 1.0]))])
    assert prints_of([("w", one)]) == prints_of([("w", torch.stack([one, one]).t()[:, 0])])
    assert prints_of([("w", None)]) == {"w": 0}


@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("kind", ["mask", "copy", "calls", "hook", "fixed", "seeded", "step"])
def test_a_worker_that_goes_on_after_all_have_left_gets_the_same_from_the_next_slice_or_is_refused(tmp_path: Path, kind: str, size: int) -> None:
    if size == 2 and kind in ("calls", "hook"):
        pytest.skip("refused in the first step")
    right = alone(tmp_path, kind)
    with run(tmp_path / "left", kind, "slice:6:a") as cluster:
        cluster.begin(*"ab"[:size])
        reached(cluster, "slice:6:a")
        for name in "ab"[:size]:
            cluster.signal(name, signal.SIGTERM)
        go(cluster)
        assert {cluster.exit_code(name) for name in "ab"[:size]} == {0}, cluster.log("a")
        cluster.begin(*"cd"[:size])
        if kind in ("fixed", "seeded", "step"):
            assert cluster.digests(*"cd"[:size]) == {right}
        else:
            text = refusal(cluster)
            assert text.startswith("the first slice of step ") and "before all workers had left" in text, text


@pytest.mark.parametrize("kind", ["mask", "fixed"])
def test_the_same_for_a_loop_over_steps_with_code_before_the_slices(tmp_path: Path, kind: str) -> None:
    right = alone(tmp_path, kind)
    with run(tmp_path / "left", kind, "api=steps", "slice:6:a") as cluster:
        cluster.begin("a")
        reached(cluster, "slice:6:a")
        cluster.signal("a", signal.SIGTERM)
        go(cluster)
        assert cluster.exit_code("a") == 0, cluster.log("a")
        cluster.begin("c")
        if kind == "fixed":
            assert cluster.digests("c") == {right}
        else:
            assert "before all workers had left" in refusal(cluster)
