"""A model that is pruned, parametrized or grown while it trains: who joins later, or resumes, makes the same changes first."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster import Cluster

KINDS = ["prune", "parametrize", "larger"]


def cluster(tmp: Path, kind: str) -> Cluster:
    return Cluster(tmp, "rebuilt.py", kind, FTC_EPOCHS="", FTC_STEPS="12", CHECKPOINT_EVERY="6")


@pytest.mark.parametrize("kind", KINDS)
def test_who_joins_or_resumes_follows(tmp_path: Path, kind: str) -> None:
    found: dict[str, set[str]] = {}
    for name in ("alone", "joined", "resumed"):
        (tmp_path / name).mkdir()
    (tmp_path / "alone" / "go").touch()
    with cluster(tmp_path / "alone", kind) as one:
        one.begin("a")
        found["alone"] = one.digests("a")
    with cluster(tmp_path / "joined", kind) as three:
        three.begin("a", "b", "c")
        three.master.wait_step(7)
        three.kill("a")
        three.start("z")
        three.master.wait_ready("z")
        three.master.form(["b", "c", "z"])
        (tmp_path / "joined" / "go").touch()
        found["joined"] = three.digests("b", "c", "z")
    with cluster(tmp_path / "resumed", kind) as again:
        again.begin("a", "b")
        again.master.wait(lambda _, m: m["type"] == "checkpoint" and m["step"] == 6 and m["ok"])
        again.kill("a", "b")
        (tmp_path / "resumed" / "go").touch()
        again.begin("d", "e", "f")
        found["resumed"] = again.digests("d", "e", "f")
    assert found["joined"] == found["alone"] == found["resumed"] and len(found["alone"]) == 1
