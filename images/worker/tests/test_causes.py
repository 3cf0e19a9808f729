"""Whatever makes replicas go apart, with the one safeguard against it taken out: no job ends with other bits in silence.

Most of it is found by the comparison of the replicas, by the witness slice, or refused. Some of it leaves all replicas alike, and nothing can see it:
the digest then depends on which worker took which slice, or on who was there from the beginning. That it does without the safeguard,
and does not with it, shows that the safeguard is what makes the difference.
"""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from cluster import Cluster
from test_helpers import outlived

Json = dict[str, Any]
SETTING = {"FTC_EPOCHS": "", "FTC_VIRTUAL_RANKS": "5", "CHECKPOINT_EVERY": "100", "FTC_ON_DIVERGENCE": "fail"}


@dataclass(frozen=True)
class Cause:
    """A training loop of a kind, and the safeguard that it is without. The third worker joins after the step `joins`; 0: it begins
    with the others."""

    group: str
    kind: str
    without: str
    joins: int = 3

    @property
    def script(self) -> str:
        return {"random": "kinds_random.py", "forward": "kinds_forward.py", "parts": "kinds_parts.py"}.get(self.group, f"{self.group}.py")

    @contextmanager
    def cluster(self, root: Path, *hold: str) -> Iterator[Cluster]:
        root.mkdir()
        more = {"SCRIPT": self.script, "WITHOUT": self.without, "FTC_STEPS": str(max(self.joins, 4) + 4)}
        with Cluster(root, "without.py", self.kind, *hold, **SETTING, **more) as made:
            yield made

    def __str__(self) -> str:
        return f"{self.kind}, without {self.without}"


@contextmanager
def three(root: Path, cause: Cause) -> Iterator[Cluster]:
    """Until one of them has ended."""
    step = cause.joins
    with cause.cluster(root, str(step)) as cluster:
        cluster.start("a", "b", "c")
        cluster.master.wait_ready("a", "b", "c")
        cluster.master.form(["a", "b"] if step else ["a", "b", "c"])
        if step:
            (reached,) = cluster.master.wait(lambda _, m: m["type"] == "failed" or (m["type"] == "heartbeat" and m["step"] >= step))
            assert reached["type"] != "failed", reached["message"]
            cluster.master.form(["a", "b", "c"], "boundary")
        for name in ("go", f"go-{step}"):
            (root / name).touch()
        cluster.master.wait(lambda _, m: m["type"] in ("done", "failed"))
        yield cluster


def alone(root: Path, cause: Cause) -> set[str]:
    with cause.cluster(root) as cluster:
        (root / "go").touch()
        cluster.begin("a")
        return cluster.digests("a")


def together(root: Path, cause: Cause) -> set[str]:
    """Of three workers, who have found no difference."""
    with three(root, cause) as cluster:
        digests = cluster.digests("a", "b", "c")
        assert said(cluster, "diverged") == []
        return digests


def said(cluster: Cluster, kind: str) -> list[Json]:
    return [m for _, m, _ in cluster.master.messages if m["type"] == kind]


FOUND: list[tuple[Cause, str]] = [
    (Cause("random", "noisy optimizer", "a seed for the optimizer", 0), "model.0.weight"),
    (Cause("random", "torch between steps", "a seed between steps", 0), "model.0.weight"),
    (Cause("random", "numpy between steps", "seeds of numpy and random"), "model.0.weight"),
    (Cause("random", "random between steps", "seeds of numpy and random"), "model.0.weight"),
    (Cause("random", "generators of its own", "a generator's state"), "extra.numpy_own.state.state"),
    (Cause("random", "generators of its own", "seeds for named generators"), "model.0.weight"),
    (Cause("parts", "unfrozen and added at step 6", "following what is trained", 0), "model.0.weight"),
    (Cause("parts", "frozen at step 6", "what is trained, in the state", 7), "trained.model.0.weight"),
    (Cause("parts", "unregistered weights of the loss", "taking the optimizer's own parameters"), "unregistered.optimizer.group 1 parameter 0"),
    (Cause("forward", "momentum in place", "parameters that move", 0), "model.second.weight"),
    (Cause("forward", "momentum from step 6 on", "parameters that move later", 0), "model.second.weight"),
    (Cause("forward", "embedding with max_norm", "parameters that move", 0), "model.table.weight"),
    (Cause("forward", "buffer moved", "buffers that move", 0), "model.held"),
    (Cause("forward", "buffer grown, hidden", "hidden buffers"), "buffers.held"),
    (Cause("parts", "module of a second version", "modules' versions", 0), "model.0.weight"),
    (Cause("parts", "transposed moments", "strides"), "model.weight"),
    (Cause("parts", "transposed moments", "an optimizer's dtypes"), "optimizer.state.0.way"),
]

FAILED: list[tuple[Cause, str]] = [
    (Cause("parts", "unfrozen and added at step 6", "groups in the state", 7), "the saved state does not fit this script's objects"),
    (Cause("rebuilt", "parametrize", "following the model's parts", 7), "the saved state does not fit this script's objects"),
    (Cause("forward", "buffer grown", "room for grown buffers"), "the saved state does not fit this script's objects"),
    (Cause("forward", "buffer expanded, hidden", "buffers that cannot be written", 0), "single memory location"),
    (Cause("parts", "extra state", "extra state", 0), "the saved state does not fit this script's objects"),
]

WITNESSED: list[Cause] = [
    Cause("parts", "unregistered weights of the loss", "the optimizer's own parameters"),
    Cause("parts", "an enum in the state", "classes of values"),
    Cause("forward", "autocast around the loop", "forgetting copies"),
    Cause("forward", "parametrize.cached around the loop", "forgetting copies"),
]

UNSEEN: list[Cause] = [
    Cause("random", "before the loop", "a seed before the loop"),
    Cause("random", "at the arrival", "seeds for a slice"),
    Cause("random", "after unpacking", "a seed for forward"),
    Cause("random", "evaluation after unpacking", "telling evaluation from training"),
]


@pytest.mark.parametrize(("cause", "tensor"), FOUND, ids=str)
def test_the_comparison_of_the_replicas_finds_it(tmp_path: Path, cause: Cause, tensor: str) -> None:
    with three(tmp_path / "three", cause) as cluster:
        assert said(cluster, "done") == []
        failed = said(cluster, "failed")[0]
        assert f"the replicas are not alike: {tensor} " in failed["message"] and failed["fatal"], failed["message"]
        told = said(cluster, "diverged")
        assert {m["tensor"] for m in told} == {tensor}
        assert not cause.joins or {tuple(m["workers"]) for m in told} == {("c",)}


@pytest.mark.parametrize(("cause", "says"), FAILED, ids=str)
def test_the_job_fails(tmp_path: Path, cause: Cause, says: str) -> None:
    with three(tmp_path / "three", cause) as cluster:
        assert said(cluster, "done") == []
        assert says in said(cluster, "failed")[0]["message"]


@pytest.mark.parametrize("cause", WITNESSED, ids=str)
def test_the_witness_slice_comes_out_differently(tmp_path: Path, cause: Cause) -> None:
    """The replicas stay alike, and no comparison of states can see it."""
    with three(tmp_path / "three", cause) as cluster:
        assert said(cluster, "done") == said(cluster, "diverged") == []
        failed = said(cluster, "failed")[0]
        assert failed["message"].startswith("the first slice of step "), failed["message"]
        assert "in worker c (rank 2), which began at step " in failed["message"] or not cause.joins, failed["message"]


@pytest.mark.parametrize("cause", UNSEEN, ids=str)
def test_no_comparison_sees_it_but_the_digest_does(tmp_path: Path, cause: Cause) -> None:
    digests = together(tmp_path / "three", cause)
    assert len(digests) == 1 and digests != alone(tmp_path / "alone", cause)


WITH_ALL = dict.fromkeys(replace(cause, without="nothing") for cause in [*(cause for cause, _ in [*FOUND, *FAILED]), *WITNESSED, *UNSEEN])


@pytest.mark.parametrize("cause", WITH_ALL, ids=lambda cause: cause.kind)
def test_with_all_safeguards_there_is_one_digest(tmp_path: Path, cause: Cause) -> None:
    digests = together(tmp_path / "three", cause)
    assert len(digests) == 1 and digests == alone(tmp_path / "alone", cause)


def test_a_helper_that_keeps_a_lost_workers_connections_shows(tmp_path: Path) -> None:
    """With the safeguard it is refused: test_helpers.py."""
    with outlived(tmp_path, "forked", "without.py", SCRIPT="outlived.py", WITHOUT="closing in helpers") as (cluster, _):
        port = cluster.master.peers["b"].hello["storePort"]
        cluster.signal("b", signal.SIGKILL)
        cluster.workers["b"].join()
        socket.create_connection(("127.0.0.1", port), timeout=5).close()


def test_a_helper_that_is_ended_ends_a_worker_with_which_it_shares_signals(tmp_path: Path) -> None:
    with Cluster(tmp_path, "without.py", "at_once", FTC_EPOCHS="5", SCRIPT="helpers.py", WITHOUT="signals apart") as cluster:
        cluster.start("a")
        cluster.master.wait(lambda _, m: m["type"] == "leaving")
