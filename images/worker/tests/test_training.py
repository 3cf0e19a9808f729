"""Whole workers on loopback: whatever happens to them, the result is that of a run that nothing happened to."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from cluster import Cluster


def kinds(cluster: Cluster, kind: str, since: int = 0) -> list[str]:
    return [worker for worker, message, _ in cluster.master.messages[since:] if message["type"] == kind]


@pytest.mark.parametrize("names", ["ab", "abc", "abcdef", "abcdefg"])
def test_any_number_of_workers_gives_the_same_bits(tmp_path: Path, undisturbed: str, names: str) -> None:
    """The last has more workers than virtual ranks."""
    with Cluster(tmp_path) as cluster:
        cluster.begin(*names)
        assert cluster.digests(*names) == {undisturbed}
        assert kinds(cluster, "broken") == []


def test_a_killed_worker_costs_the_survivors_one_attempt(tmp_path: Path, undisturbed: str) -> None:
    with Cluster(tmp_path, "tiny.py", "4:*") as cluster:
        cluster.begin("a", "b", "c")
        cluster.master.wait_step(4)
        cluster.kill("b")
        (tmp_path / "go").touch()
        broken = cluster.master.wait(lambda _, m: m["type"] == "broken", 2)
        assert {m["generation"] for m in broken} == {1}
        cluster.master.form(["a", "c"], store_rank=1)
        first = cluster.master.wait(lambda _, m: m["type"] == "committed" and m["generation"] == 2, 2)
        assert {(m["fromStep"], m["step"]) for m in first} == {(4, 5)}
        assert cluster.digests("a", "c") == {undisturbed}


def test_a_worker_that_is_stuck_holds_nobody(tmp_path: Path, undisturbed: str) -> None:
    """c never comes to the reduction: its peers leave the collective when told, not at a timeout."""
    with Cluster(tmp_path, "tiny.py", "4:c") as cluster:
        cluster.begin("a", "b", "c")
        cluster.master.wait(lambda w, m: w == "a" and m["type"] == "heartbeat" and m["phase"] == "reduce" and m["step"] == 4)
        cluster.signal("c", signal.SIGSTOP)
        cluster.master.form(["a", "b"])
        cluster.master.wait(lambda _, m: m["type"] == "committed" and m["generation"] == 2, 2, timeout=20)
        assert cluster.digests("a", "b") == {undisturbed}
        assert kinds(cluster, "broken") == []


def test_a_join_takes_effect_at_a_boundary_and_breaks_nothing(tmp_path: Path, undisturbed: str) -> None:
    with Cluster(tmp_path, "tiny.py", "4:*") as cluster:
        cluster.begin("a", "b")
        cluster.start("c")
        cluster.master.wait_ready("c")
        cluster.master.wait_step(4)
        cluster.master.form(["a", "b", "c"], "boundary", store_rank=2)
        (tmp_path / "go").touch()
        first = cluster.master.wait(lambda _, m: m["type"] == "committed" and m["generation"] == 2, 3)
        assert {(m["fromStep"], m["step"]) for m in first} == {(5, 6)}
        assert cluster.digests("a", "b", "c") == {undisturbed}
        assert kinds(cluster, "broken") == []


def test_a_standby_is_promoted_in_the_change_that_drops_the_dead(tmp_path: Path, undisturbed: str) -> None:
    with Cluster(tmp_path, "tiny.py", "4:*") as cluster:
        cluster.start("s")
        cluster.master.wait_ready("s")
        cluster.begin("a", "b")
        cluster.master.wait_step(4)
        cluster.kill("a")
        cluster.master.form(["b", "s"])
        (tmp_path / "go").touch()
        assert cluster.digests("b", "s") == {undisturbed}


def test_a_state_that_takes_long_to_move_is_waited_for(tmp_path: Path) -> None:
    with Cluster(tmp_path, "wide.py", FTC_EPOCHS="2", FTC_VIRTUAL_RANKS="3", CHECKPOINT_EVERY="100") as cluster:
        cluster.begin("a", "b", "c")
        assert len(cluster.digests("a", "b", "c")) == 1
        assert kinds(cluster, "broken") == []


def test_a_meeting_that_cannot_succeed_is_left_for_a_newer_one(tmp_path: Path, undisturbed: str) -> None:
    """c is dead before its generation meets: once its store is the one to meet at, once not."""
    with Cluster(tmp_path) as cluster:
        cluster.start("a", "b", "c")
        cluster.master.wait_ready("a", "b", "c")
        cluster.signal("c", signal.SIGSTOP)
        for store_rank in (2, 0):
            number = cluster.master.form(["a", "b", "c"], store_rank=store_rank)
            cluster.master.wait(
                lambda _, m: m["type"] == "heartbeat" and m["phase"] == "regroup" and m["generation"] == number, 2
            )
        cluster.master.form(["a", "b"])
        assert cluster.digests("a", "b") == {undisturbed}


def test_all_killed_resume_from_the_checkpoint(tmp_path: Path, undisturbed: str) -> None:
    with Cluster(tmp_path, "tiny.py", "7:*") as cluster:
        cluster.begin("a", "b", "c")
        cluster.master.wait(lambda _, m: m["type"] == "checkpoint" and m["step"] == 5 and m["ok"])
        cluster.master.wait_step(7)
        cluster.kill("a", "b", "c")
        (tmp_path / "go").touch()
        since = len(cluster.master.messages)
        cluster.begin("d", "e")
        first = cluster.master.wait(lambda _, m: m["type"] == "committed", 2, since=since)
        assert {m["fromStep"] for m in first} == {5}
        assert cluster.digests("d", "e") == {undisturbed}


def test_sigterm_leaves_at_the_boundary_and_a_second_loss_is_no_trouble(tmp_path: Path, undisturbed: str) -> None:
    with Cluster(tmp_path, "tiny.py", "4:*") as cluster:
        cluster.begin("a", "b", "c")
        cluster.master.wait_step(4)
        cluster.signal("a", signal.SIGTERM)
        cluster.signal("a", signal.SIGCONT)
        cluster.master.wait(lambda w, m: w == "a" and m["type"] == "heartbeat")
        (tmp_path / "go").touch()
        (leaving,) = cluster.master.wait(lambda w, m: w == "a" and m["type"] == "leaving")
        assert leaving["step"] >= 5
        assert cluster.exit_code("a") == 0, cluster.log("a")
        cluster.master.wait_gone("a")
        cluster.master.form(["b", "c"])
        assert cluster.digests("b", "c") == {undisturbed}


def test_stop_writes_a_checkpoint_and_all_go_on_later(tmp_path: Path, undisturbed: str) -> None:
    with Cluster(tmp_path, "tiny.py", "7:*") as cluster:
        cluster.begin("a", "b")
        cluster.master.wait_step(7)
        cluster.master.tell("a", {"type": "stop", "reason": "interrupted"})
        cluster.master.wait(lambda w, m: w == "a" and m["type"] == "heartbeat", since=len(cluster.master.messages))
        (tmp_path / "go").touch()
        left = cluster.master.wait(lambda _, m: m["type"] == "leaving", 2)
        assert [cluster.exit_code(name) for name in "ab"] == [0, 0]
        assert {m["step"] for m in left} == {8} and all(m["checkpointed"] for m in left)
        since = len(cluster.master.messages)
        cluster.begin("c")
        (first,) = cluster.master.wait(lambda _, m: m["type"] == "committed", since=since)
        assert first["fromStep"] == 8
        assert cluster.digests("c") == {undisturbed}


def test_training_goes_on_while_the_master_is_away(tmp_path: Path, undisturbed: str) -> None:
    with Cluster(tmp_path, "tiny.py", "4:*", "12:*") as cluster:
        cluster.begin("a", "b")
        cluster.master.wait_step(4)
        cluster.master.go_away()
        (tmp_path / "go").touch()
        latest = tmp_path / "tiny" / "LATEST"
        while not latest.exists() or latest.read_text() != "step-00000015\n":
            cluster.workers["a"].join(0.01)
            assert cluster.workers["a"].is_alive()
        since = len(cluster.master.messages)
        cluster.master.come_back()
        hello = cluster.master.wait(lambda _, m: m["type"] == "hello", 2, since=since)
        assert {(m["generation"], m["step"], m["ready"]) for m in hello} == {(1, 15, True)}
        # Had it died after a loss, only this would tell where training went on.
        said = cluster.master.wait(lambda _, m: m["type"] == "committed", 2, since=since)
        assert {(m["generation"], m["step"], m["fromStep"]) for m in said} == {(1, 1, 0)}
        assert cluster.digests("a", "b") == {undisturbed}


def test_a_worker_that_comes_after_the_end_has_the_result(tmp_path: Path, undisturbed: str) -> None:
    with Cluster(tmp_path) as cluster:
        cluster.begin("a")
        cluster.master.wait(lambda _, m: m["type"] == "done")
        cluster.start("b")
        assert cluster.digests("a", "b") == {undisturbed}
        assert "ready" not in [m["type"] for w, m, _ in cluster.master.messages if w == "b"]


@pytest.mark.parametrize("when", ["idle", "tail"])
def test_sigterm_outside_of_a_step_ends_at_once(tmp_path: Path, when: str) -> None:
    with Cluster(tmp_path) as cluster:
        if when == "idle":
            cluster.start("a")
            cluster.master.wait_ready("a")
        else:
            cluster.begin("a")
            cluster.master.wait(lambda _, m: m["type"] == "done")
        cluster.signal("a", signal.SIGTERM)
        cluster.master.wait(lambda _, m: m["type"] == "leaving")
        assert cluster.exit_code("a") == 0


@pytest.mark.parametrize(
    ("how", "fatal", "reason"),
    [
        ("early", False, "ValueError: before the loop"),
        ("in-loop", False, "ValueError: in the loop"),
        ("no-loop", True, "without a loop over job.batches"),
        ("break", True, "left before its last step"),
        ("no-step", True, "job.step was not called"),
    ],
)
def test_a_script_that_fails_says_why(tmp_path: Path, how: str, fatal: bool, reason: str) -> None:
    with Cluster(tmp_path, "raises.py", how, FTC_EPOCHS="5") as cluster:
        cluster.start("a")
        if how in ("in-loop", "break", "no-step"):
            cluster.master.wait_ready("a")
            cluster.master.form(["a"])
        (failed,) = cluster.master.wait(lambda _, m: m["type"] == "failed")
        assert cluster.exit_code("a") == 1
        assert failed["fatal"] == fatal and reason in failed["message"] and reason in cluster.log("a")
        if not fatal:
            assert failed["fingerprint"].startswith("ValueError ") and "raises.py:" in failed["fingerprint"]
            assert "ftc/loop.py" not in failed["traceback"] and "raises.py" in failed["traceback"]


def test_a_script_that_cannot_start_is_fatal(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import ftc\nx = = 1\n")
    (tmp_path / "other.py").write_text("print('nothing of ftc')\n")
    for script, reason in [("broken.py", "line 2"), ("missing.py", "is not there"), ("other.py", "without ftc.run")]:
        with Cluster(tmp_path, FTC_SCRIPT=str(tmp_path / script)) as cluster:
            cluster.start("a")
            (failed,) = cluster.master.wait(lambda _, m: m["type"] == "failed")
            assert failed["fatal"] and reason in failed["message"], failed
            assert cluster.exit_code("a") == 1


def test_checkpoints_of_another_run_are_refused(tmp_path: Path) -> None:
    with Cluster(tmp_path, FTC_EPOCHS="1", CHECKPOINT_EVERY="2") as cluster:
        cluster.begin("a")
        cluster.digests("a")
    before = sorted((tmp_path / "tiny").rglob("*"))
    with Cluster(tmp_path, FTC_SEED="8") as cluster:
        cluster.begin("a")
        (failed,) = cluster.master.wait(lambda _, m: m["type"] == "failed")
        assert failed["fatal"] and "seed: 7 there, 8 here" in failed["message"]
    assert sorted((tmp_path / "tiny").rglob("*")) == before


def test_refused_by_the_master_exits_with_2(tmp_path: Path) -> None:
    with Cluster(tmp_path) as cluster:
        cluster.start("a")
        cluster.master.wait_ready("a")
        cluster.master.tell("a", {"type": "refused", "reason": "another protocol"})
        assert cluster.exit_code("a") == 2
        assert "another protocol" in cluster.log("a")
