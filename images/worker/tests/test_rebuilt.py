"""A model that is pruned, parametrized or grown while it trains: who joins later, or resumes, makes the same changes first."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster import Cluster
from places import fatal

ANEW = 75
KINDS = ["prune", "parametrize", "larger"]


def cluster(tmp: Path, *args: str, every: int = 6) -> Cluster:
    return Cluster(tmp, "rebuilt.py", *args, FTC_EPOCHS="", FTC_STEPS="12", CHECKPOINT_EVERY=str(every))


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


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("every", [3, 100], ids=["checkpoint", "beginning"])
def test_all_go_back_to_before_the_change(tmp_path: Path, kind: str, every: int) -> None:
    """Their models cannot take that state any more: their scripts run again, from there."""
    for name in ("alone", "flipped"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "go").touch()
    with cluster(tmp_path / "alone", kind, every=every) as one:
        one.begin("a")
        alone = one.digests("a")
    with cluster(tmp_path / "flipped", kind, "5", "once", every=every) as two:
        two.begin("a", "b")
        assert {two.exit_code(name) for name in "ab"} == {ANEW}
        (mismatch,) = two.master.wait(lambda w, m: w == "a" and m["type"] == "diverged")
        assert (mismatch["action"], mismatch["toStep"]) == ("returned", None)
        two.begin("c", "d")
        assert two.digests("c", "d") == alone


def test_what_comes_back_after_that_fails_the_job(tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    with cluster(tmp_path, "larger", "5", "always", every=3) as two:
        two.begin("a", "b")
        assert {two.exit_code(name) for name in "ab"} == {ANEW}
        two.begin("c", "d")
        assert "It was put right, and came back" in fatal(two, "c")
