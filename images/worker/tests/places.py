"""The other side of scripts/script_places.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cluster import Cluster


def reached(cluster: Cluster, *places: str) -> None:
    """Returns when workers wait there: `slice:4:b` is worker b in a slice of step 4."""
    for place in places:
        where, step, worker = place.split(":")
        while not (cluster.tmp / f"at.{where}.{step}.{worker}").exists():
            cluster.workers[worker].join(0.01)
            assert cluster.workers[worker].is_alive(), cluster.log(worker)


def go(cluster: Cluster) -> None:
    (cluster.tmp / "go").touch()


def facts(tmp: Path, worker: str) -> list[dict[str, Any]]:
    path = tmp / f"{worker}.facts"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def failures(cluster: Cluster, *names: str) -> dict[str, str]:
    """By worker: what it failed with."""
    for name in names:
        cluster.master.wait(lambda w, m, name=name: w == name and m["type"] == "failed")  # type: ignore[misc]
    return {worker: message["message"] for worker, message, _ in cluster.master.messages if message["type"] == "failed"}


def fatal(cluster: Cluster, name: str) -> str:
    (failed,) = cluster.master.wait(lambda w, m: w == name and m["type"] == "failed")
    assert failed["fatal"], failed
    return str(failed["message"])
