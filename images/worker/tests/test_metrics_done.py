"""What a job reports at its end is what the script logged, whoever is there at the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster import Cluster

STEPS = {"FTC_EPOCHS": "", "FTC_STEPS": "7"}


def reported(cluster: Cluster, *names: str) -> list[dict[str, float]]:
    cluster.digests(*names)
    return [m["metrics"] for w, m, _ in cluster.master.messages if m["type"] == "done" and w in names]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    with Cluster(tmp_path_factory.mktemp("alone"), "logs.py", **STEPS) as cluster:
        cluster.begin("a")
        (metrics,) = reported(cluster, "a")
        assert metrics.keys() == {"inputs", "early"}
        return metrics


@pytest.mark.parametrize("names", ["ab", "abc"])
def test_any_number_of_workers_reports_the_same(tmp_path: Path, alone: dict[str, float], names: str) -> None:
    """Each carries other slices: it is slice 0's that counts."""
    with Cluster(tmp_path, "logs.py", **STEPS) as cluster:
        cluster.begin(*names)
        assert reported(cluster, *names) == [alone] * len(names)
