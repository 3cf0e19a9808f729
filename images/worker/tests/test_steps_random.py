"""job.steps: what a script may do between a step's reduction and its commit."""

from __future__ import annotations

from pathlib import Path

from cluster import Cluster
from generated.faults import __file__ as beside
from generated.program import Program
from generated.source import source
from metrics import read

PROGRAM = Program(0, {"api": "steps", "metrics": "reduced", "gradients": "scaled"})
STEPS = 6


def cluster(tmp_path: Path) -> Cluster:
    (tmp_path / "script.py").write_text(source(PROGRAM))
    (tmp_path / "faults.py").write_text(Path(beside).read_text())
    return Cluster(tmp_path, str(tmp_path / "script.py"), FTC_EPOCHS="", FTC_STEPS=str(STEPS))


def test_what_is_logged_before_the_commit_is_in_the_line_of_the_step(tmp_path: Path) -> None:
    with cluster(tmp_path) as job:
        job.begin("a", "b")
        assert len(job.digests("a", "b")) == 1
    lines = read(tmp_path / "tiny" / "metrics.jsonl")
    assert [line["step"] for line in lines] == [1, 2, 3, 4, 5, 6]
    assert all(line["norm"] > 0 for line in lines)


def test_a_worker_that_finds_all_steps_made_by_others_goes_through_the_rest_of_its_pass(tmp_path: Path) -> None:
    """It had the slices of the last step in hand, and reads the loss of a step that it does not commit."""
    hold = tmp_path / f"hold-{STEPS - 1}-b"
    hold.touch()
    with cluster(tmp_path) as job:
        job.begin("a", "b")
        job.master.wait_step(STEPS - 1)
        job.master.form(["a"])
        job.master.wait(lambda w, m: w == "a" and m["type"] == "done")
        hold.unlink()
        job.master.form(["b"])
        assert len(job.digests("a", "b")) == 1
