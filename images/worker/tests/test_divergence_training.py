"""Bits that flip in a worker's memory: all learn of it, it is put right, and the run ends as one that nothing happened to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cluster import Cluster
from metrics import read

Json = dict[str, Any]
STEPS = {"FTC_EPOCHS": "", "FTC_STEPS": "12", "CHECKPOINT_EVERY": "3"}


def run(root: Path, names: str, *args: str, **env: str) -> tuple[set[str], Cluster]:
    root.mkdir(exist_ok=True)
    with Cluster(root, "flips.py", *args, **{**STEPS, **env}) as cluster:
        cluster.begin(*names)
        return cluster.digests(*names), cluster


def saved(root: Path) -> dict[int, str]:
    """The digest of each checkpoint, by its step."""
    manifests = [json.loads(path.read_text()) for path in (root / "tiny").glob("step-*/manifest.json")]
    return {manifest["step"]: manifest["digest"] for manifest in manifests}


def diverged(cluster: Cluster) -> dict[str, list[Json]]:
    """What each worker said of differences."""
    found: dict[str, list[Json]] = {}
    for worker, message, _ in cluster.master.messages:
        if message["type"] == "diverged":
            found.setdefault(worker, []).append({key: value for key, value in message.items() if key != "type"})
    return found


def committed(cluster: Cluster) -> list[tuple[int, int]]:
    return sorted((m["fromStep"], m["step"]) for _, m, _ in cluster.master.messages if m["type"] == "committed")


def undisturbed(root: Path, *args: str) -> tuple[str, dict[int, str]]:
    (digest,), cluster = run(root, "a", "tell", *args)
    told = [line.split() for line in cluster.log("a").splitlines() if line.startswith("digest")]
    digests = {int(step): value for _, step, value in told}
    assert digests[12] == digest and len(digests) == 12
    return digest, digests


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[int, str]]:
    """The digest at the end, and those after all steps, of a run that nothing happens to."""
    return undisturbed(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[int, str]]:
    return undisturbed(tmp_path_factory.mktemp("large"), "large")


@pytest.mark.parametrize(
    ("what", "victim", "tensor"),
    [
        ("weight", "b", "model.0.weight"),
        ("weight", "a", "model.0.weight"),
        ("mean", "c", "model.1.running_mean"),
        ("scale", "a", "model.scale"),
        ("exp_avg", "b", "optimizer.state.0.exp_avg"),
        ("step", "c", "optimizer.state.0.step"),
        ("rate", "b", "optimizer.param_groups.0.lr"),
        ("schedule", "a", "scheduler.last_epoch"),
    ],
)
def test_the_majority_repairs_it(tmp_path: Path, plain: tuple[str, dict[int, str]], what: str, victim: str, tensor: str) -> None:
    """Of a parameter, a buffer, a moment or a number. Step 6 has a checkpoint: what is published is what all agree on."""
    digests, cluster = run(tmp_path, "abc", f"6:{victim}:{what}")
    told = diverged(cluster)
    assert digests == {plain[0]}, (told, [cluster.log(name)[-1500:] for name in "abc"])
    assert sorted(told) == ["a", "b", "c"] and all(one == told["a"] for one in told.values())
    (one,) = told["a"]
    assert (one["generation"], one["step"], one["fromStep"], one["tensor"]) == (1, 6, 5, tensor)
    assert (one["workers"], one["action"], one["toStep"]) == ([victim], "repaired", None)
    assert committed(cluster) == [(0, 1)] * 3
    assert saved(tmp_path).items() <= plain[1].items() and 12 in saved(tmp_path)


def test_one_of_five_too(tmp_path: Path, plain: tuple[str, dict[int, str]]) -> None:
    digests, cluster = run(tmp_path, "abcde", "4:d:weight", "8:b:exp_avg")
    assert digests == {plain[0]}
    assert [(m["step"], m["workers"], m["action"]) for m in diverged(cluster)["c"]] == [(4, ["d"], "repaired"), (8, ["b"], "repaired")]


def test_without_a_majority_all_return_to_the_checkpoint(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, plain: tuple[str, dict[int, str]]
) -> None:
    alone = tmp_path_factory.mktemp("logged")
    assert run(alone, "a", "log")[0] == {plain[0]}
    logged = read(alone / "tiny" / "metrics.jsonl")
    assert [line["step"] for line in logged] == list(range(1, 13))
    digests, cluster = run(tmp_path, "ab", "8:a:weight", "log")
    told = diverged(cluster)
    assert digests == {plain[0]}, [cluster.log(name)[-1500:] for name in "ab"]
    assert told["a"] == told["b"] and len(told["a"]) == 1
    (one,) = told["a"]
    assert (one["step"], one["fromStep"], one["workers"], one["action"]) == (8, 7, ["a", "b"], "returned")
    assert 3 <= one["toStep"] < 8  # the newest that was durable by then; one that was due at step 6 may have begun late
    assert saved(tmp_path).items() <= plain[1].items()
    # What was logged in the steps between is not what it would have been, and is logged again.
    assert read(tmp_path / "tiny" / "metrics.jsonl") == logged


@pytest.mark.parametrize(("names", "action"), [("ab", "returned"), ("abc", "repaired")])
def test_a_bit_that_flips_after_the_last_step_is_not_in_the_result(
    tmp_path: Path, plain: tuple[str, dict[int, str]], names: str, action: str
) -> None:
    digests, cluster = run(tmp_path, names, "12:a:weight")
    assert digests == {plain[0]}
    assert [(m["step"], m["action"]) for m in diverged(cluster)["b"]] == [(12, action)]
    assert saved(tmp_path).items() <= plain[1].items() and 12 in saved(tmp_path)


@pytest.mark.parametrize("victim", ["a", "b"])
def test_a_newcomer_that_took_the_wrong_state_makes_no_majority(tmp_path: Path, plain: tuple[str, dict[int, str]], victim: str) -> None:
    """It has what rank 0 has: so two of three are wrong where that is."""
    with Cluster(tmp_path, "flips.py", f"4:{victim}:exp_avg", "hold", **STEPS) as cluster:
        cluster.begin("a", "b")
        cluster.start("c")
        cluster.master.wait_ready("c")
        cluster.master.wait_step(3)
        cluster.master.form(["a", "b", "c"], "boundary")
        (tmp_path / "go").touch()
        assert cluster.digests("a", "b", "c") == {plain[0]}
        told = diverged(cluster)
        assert [(m["generation"], m["step"], m["action"]) for m in told["c"]] == [(2, 4, "returned")]
        assert all(one == told["c"] for one in told.values()) and len(told) == 3
        assert saved(tmp_path).items() <= plain[1].items()


@pytest.mark.parametrize("script", ["", "late"])
def test_and_without_a_checkpoint_to_the_beginning(tmp_path: Path, script: str) -> None:
    """Also where the script has changed its model after `register`: the loop begins with that."""
    (alone,), _ = run(tmp_path / "one", "a", script, CHECKPOINT_EVERY="100")
    digests, cluster = run(tmp_path / "two", "ab", script, "4:a:exp_avg", CHECKPOINT_EVERY="100")
    told = diverged(cluster)
    assert [(m["step"], m["action"], m["toStep"]) for m in told["a"]] == [(4, "returned", 0)]
    assert digests == {alone}


def test_what_was_saved_of_a_state_that_differs_is_not_published(tmp_path: Path, plain: tuple[str, dict[int, str]]) -> None:
    """Rank 0 has the wrong bit when it saves; with two workers nobody knows who is right."""
    digests, cluster = run(tmp_path, "ab", "6:a:weight")
    assert digests == {plain[0]}
    assert [m["toStep"] for m in diverged(cluster)["b"]] == [3]
    assert saved(tmp_path).items() <= plain[1].items()


@pytest.mark.parametrize("victim", ["a", "b"])
@pytest.mark.parametrize("what", ["weight", "scale"])
def test_what_changes_while_a_slice_is_computed_is_put_back(tmp_path: Path, plain: tuple[str, dict[int, str]], what: str, victim: str) -> None:
    """The majority agrees on the state, and would have summed up a gradient that is wrong."""
    digests, cluster = run(tmp_path, "abc", f"5:{victim}:{what}:in")
    assert digests == {plain[0]}, diverged(cluster)
    assert all(m["action"] == "repaired" and m["workers"] == [victim] for told in diverged(cluster).values() for m in told)
    assert diverged(cluster), [cluster.log(name)[-1500:] for name in "abc"]
    assert saved(tmp_path).items() <= plain[1].items()


@pytest.mark.parametrize("step", [4, 7, 8, 11])
def test_a_large_state_is_compared_in_parts_and_comes_back_from_the_checkpoint(
    tmp_path: Path, large: tuple[str, dict[int, str]], step: int
) -> None:
    """Found only some steps later: the majority has committed wrong gradients meanwhile. The 9th step and the last are witnessed, where it shows
    at once, and is no fault of the script."""
    digests, cluster = run(tmp_path, "abc", "large", f"{step}:b:weight")
    told = diverged(cluster)
    assert digests == {large[0]}, told
    (one,) = told["a"]
    assert one["tensor"] == "model.0.weight" and one["workers"] == ["b"] and one["fromStep"] <= step <= one["step"]
    assert (one["action"] == "repaired") == (one["fromStep"] == one["step"] - 1)
    assert saved(tmp_path).items() <= large[1].items()


@pytest.mark.parametrize(("what", "step"), [("mean", 4), ("mean", 5), ("scale", 4), ("scale", 5)])
def test_what_differs_in_rank_0_does_not_get_into_all(tmp_path: Path, large: tuple[str, dict[int, str]], what: str, step: int) -> None:
    """Of a state that is compared in parts: rank 0 tells the others what forward has made of the buffers."""
    digests, cluster = run(tmp_path, "abc", "large", f"{step}:a:{what}")
    told = diverged(cluster)
    assert digests == {large[0]}, told
    assert [m["workers"] for m in told["b"]] == [["a"]]
    if what == "mean":  # forward moves it
        assert told["b"][0]["step"] == step
    assert saved(tmp_path).items() <= large[1].items()


@pytest.mark.parametrize("names", ["a", "abc"])
def test_what_flips_while_samples_are_read_is_put_back(tmp_path: Path, plain: tuple[str, dict[int, str]], names: str) -> None:
    """Of a buffer that forward moves: nothing could tell that from what forward does."""
    digests, cluster = run(tmp_path, names, "4:a:mean:read")
    assert digests == {plain[0]}, diverged(cluster)
    (one,) = diverged(cluster)["a"]
    assert (one["tensor"], one["workers"], one["action"]) == ("model.1.running_mean", ["a"], "repaired")


def test_the_job_fails_at_once_where_it_is_asked_to(tmp_path: Path) -> None:
    with Cluster(tmp_path, "flips.py", "4:b:weight", **STEPS, FTC_ON_DIVERGENCE="fail") as cluster:
        cluster.begin("a", "b", "c")
        failed = cluster.master.wait(lambda _, m: m["type"] == "failed", 3)
        assert {m["fatal"] for m in failed} == {True}
        for text in (m["message"] for m in failed):
            assert "model.0.weight at [16, 4] went apart after step 4: worker b (rank 1) differs from the other 2" in text
            assert "Usual causes" in text and "job.rank" in text and "came back" not in text
        assert {m["action"] for told in diverged(cluster).values() for m in told} == {"failed"} and len(diverged(cluster)) == 3
        assert all(step < 4 for step in saved(tmp_path))


@pytest.mark.parametrize("names", ["ab", "abc"])
def test_what_comes_back_fails(tmp_path: Path, names: str) -> None:
    """State that depends on the rank: no fault of the machine's."""
    with Cluster(tmp_path, "flips.py", "rank", **STEPS) as cluster:
        cluster.begin(*names)
        failed = cluster.master.wait(lambda _, m: m["type"] == "failed", len(names))
        assert all(m["fatal"] and "model.0.bias" in m["message"] and "came back" in m["message"] for m in failed)
        told = diverged(cluster)
        first = "returned" if names == "ab" else "repaired"
        assert [m["action"] for m in told["a"]] == [first, "failed"] and all(one == told["a"] for one in told.values())
