"""Training loops as people write them: one digest for 1, 2, 3 and 5 workers, with kills and newcomers, whatever they do."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster import Cluster
from master import Json

SETTING = {"FTC_EPOCHS": "", "FTC_STEPS": "11", "FTC_VIRTUAL_RANKS": "5", "CHECKPOINT_EVERY": "100"}


def ended(cluster: Cluster, *names: str) -> set[str]:
    """Without a difference on the way: causes are taken away, not repaired."""
    digests = cluster.digests(*names)
    told: list[Json] = [m for _, m, _ in cluster.master.messages if m["type"] == "diverged"]
    assert told == []
    return digests


def alone(root: Path, script: str, kind: str, **env: str) -> set[str]:
    root.mkdir()
    with Cluster(root, script, kind, **{**SETTING, **env}) as cluster:
        cluster.begin("a")
        return ended(cluster, "a")


def eventful(root: Path, script: str, kind: str, **env: str) -> set[str]:
    """Five workers; three from step 4 on; from step 8 on one of these behind a newcomer, who leads."""
    root.mkdir()
    with Cluster(root, script, kind, "4", "8", **{**SETTING, **env}) as cluster:
        cluster.begin(*"abcde")
        cluster.master.wait_step(4)
        cluster.kill("b", "d")
        cluster.master.form(["a", "c", "e"])
        (root / "go-4").touch()
        cluster.start("f")
        cluster.master.wait_ready("f")
        cluster.master.wait_step(8)
        cluster.kill("a", "e")
        cluster.master.form(["f", "c"])
        (root / "go-8").touch()
        return ended(cluster, "f", "c")


RANDOM = [
    "noisy optimizer", "torch between steps", "numpy between steps", "random between steps", "generators of its own", "before the loop",
    "at the arrival", "after unpacking", "a loader's iterator", "evaluation at the arrival", "evaluation after unpacking", "augmentation",
]
FORWARD = [
    "momentum in place", "momentum by data", "momentum by data in place", "momentum in other storage", "momentum from step 6 on",
    "momentum by data from step 6 on", "embedding with max_norm", "clamped before forward", "clamped after the commit",
    "buffer grown, hidden", "buffer grown", "buffer expanded", "buffer overlapping", "buffer expanded, hidden",
    "buffer inference", "buffer late", "buffer replaced", "buffer moved", "buffers of several dtypes",
    "autocast around the loop", "parametrize.cached around the loop",
]


@pytest.mark.parametrize("kind", RANDOM)
def test_random_numbers_outside_of_slices(tmp_path: Path, kind: str) -> None:
    assert eventful(tmp_path / "eventful", "kinds_random.py", kind) == alone(tmp_path / "alone", "kinds_random.py", kind)


@pytest.mark.parametrize("kind", FORWARD)
def test_state_that_forward_changes(tmp_path: Path, kind: str) -> None:
    assert eventful(tmp_path / "eventful", "kinds_forward.py", kind) == alone(tmp_path / "alone", "kinds_forward.py", kind)


PARTS = [
    "complex", "bfloat16", "0-d", "transposed", "double", "channels_last", "tied", "views", "sparse gradients", "frozen at step 6",
    "unfrozen and added at step 6", "learning rate at step 6", "unregistered weights of the loss", "module of a second version",
    "extra state", "an enum in the state", "transposed moments", "state_dict hooks",
    "more workers than samples, and an average", "several optimizers",
]


@pytest.mark.parametrize("kind", PARTS)
def test_parameters_and_states_of_all_kinds(tmp_path: Path, kind: str) -> None:
    assert eventful(tmp_path / "eventful", "kinds_parts.py", kind) == alone(tmp_path / "alone", "kinds_parts.py", kind)


@pytest.mark.parametrize("virtual", ["2", "3"])
def test_workers_that_carry_no_slice_do_what_the_script_does_after_a_step(tmp_path: Path, virtual: str) -> None:
    """Five workers for two or three slices."""
    script, kind = "kinds_parts.py", "more workers than samples, and an average"
    digests = eventful(tmp_path / "eventful", script, kind, FTC_VIRTUAL_RANKS=virtual)
    assert digests == alone(tmp_path / "alone", script, kind, FTC_VIRTUAL_RANKS=virtual)
