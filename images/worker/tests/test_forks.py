"""What meets other workers is refused in processes that the script has forked."""

from __future__ import annotations

from pathlib import Path

from cluster import Cluster
from places import facts

REFUSED = [
    "job.register", "job.begin", "job.batches", "job.steps", "job.step", "job.evaluate", "job.once", "job.finish", "job.log",
    "the loop over a step's batches", "step.backward", "step.commit",
]  # fmt: skip


def test_a_helper_neither_trains_nor_evaluates_nor_ends(tmp_path: Path) -> None:
    with Cluster(tmp_path, "forked.py", FTC_EPOCHS="1", FTC_VIRTUAL_RANKS="1") as cluster:
        cluster.begin("a")
        cluster.digests("a")
    told = {fact["name"]: fact["said"] for fact in facts(tmp_path, "a")}
    assert list(told) == REFUSED
    for name, said in told.items():
        assert said.startswith(f"{name} was called in process ") and "only the worker itself trains" in said
