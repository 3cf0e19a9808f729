"""The launcher: one process of the script a generation, and what is told of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from launchers import HERE, Launchers


def test_the_script_finds_the_environment_of_torchrun(tmp_path: Path) -> None:
    with Launchers(tmp_path, MAX_RESTARTS="7") as l:
        zero, one = l.begin("a", "b")
        assert zero.told["argv"] == [str(HERE / "scripts" / "obeys.py"), str(tmp_path / "test.sock"), "--lr", "0.1"]
        common = {
            "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "ROLE_NAME": "default", "ROLE_WORLD_SIZE": "2", "GROUP_RANK": "0",
            "GROUP_WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1", "TORCHELASTIC_RESTART_COUNT": "0", "TORCHELASTIC_MAX_RESTARTS": "7",
            "TORCHELASTIC_RUN_ID": "plain", "OMP_NUM_THREADS": "2", "USE_LIBUV": "0",
            "CHECKPOINT_DIR": str(tmp_path / "plain" / "script"),
        }  # fmt: skip
        for rank, script in enumerate((zero, one)):
            env = script.env
            assert {name: env[name] for name in common} == common
            assert {env[name] for name in ("RANK", "LOCAL_RANK", "ROLE_RANK")} == {str(rank)}
        assert zero.env["MASTER_PORT"] == one.env["MASTER_PORT"]
        assert os.access(zero.env["CHECKPOINT_DIR"], os.W_OK)
        assert l.said("a", "script") == {"type": "script", "generation": 1, "state": "started", "at": pytest.approx(0, abs=1e15)}


def test_each_worker_may_be_a_node(tmp_path: Path) -> None:
    with Launchers(tmp_path, FTC_NODE="worker") as l:
        for rank, script in enumerate(l.begin("a", "b")):
            found = [script.env[name] for name in ("LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK", "GROUP_WORLD_SIZE", "RANK")]
            assert found == ["0", "1", str(rank), "2", str(rank)]


def test_torchs_record_has_a_file_of_its_own(tmp_path: Path) -> None:
    with Launchers(tmp_path, TMPDIR=str(tmp_path)) as l:
        zero, one = l.begin("a", "b")
        assert zero.env["TORCHELASTIC_ERROR_FILE"] != one.env["TORCHELASTIC_ERROR_FILE"]
        one.do("from torch.distributed.elastic.multiprocessing.errors import record; sys.excepthook = lambda *_: None")
        one.do("def fails(): raise ValueError('no good')")
        one.do("record(fails)()")
        assert l.said("b", "failed")["message"] == "ValueError: no good"


@pytest.mark.parametrize(("when", "saved"), [("boundary", "saved"), ("now", "")])
def test_there_is_time_to_save_where_nobody_was_lost(tmp_path: Path, when: str, saved: str) -> None:
    with Launchers(tmp_path) as l:
        (script,) = l.begin("a")
        script.do("import signal, time; bye = lambda *_: (time.sleep(3), link.sendall(b'saved\\n'), sys.exit(0))")
        script.do("signal.signal(signal.SIGTERM, bye); link.sendall(b'ready\\n'); time.sleep(600)")
        assert script.says() == "ready"
        l.master.form(["a"], when)
        assert script.says() == saved
        l.scripts(1)


def test_the_time_to_save_ends(tmp_path: Path) -> None:
    with Launchers(tmp_path, FTC_STOP_GRACE="4") as l:
        (script,) = l.begin("a")
        script.do("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); link.sendall(b'ready\\n')")
        assert script.says() == "ready"
        l.signal("a", signal.SIGTERM)
        script.wait_gone()
        note = l.said("a", "note")
        assert note["text"] == "the script did not end within 1 s of SIGTERM, and was killed"
        assert "obeys.py" in note["detail"] and "most recent call first" in note["detail"]
        assert "most recent call first" in l.log("a")
        assert l.exit_code("a") == 0


def test_the_worker_itself_shows_where_it_stands(tmp_path: Path) -> None:
    with Launchers(tmp_path) as l:
        l.begin("a")
        l.signal("a", signal.SIGQUIT)
        l.said("a", "heartbeat", len(l.master.messages))  # it lives on
        assert "launcher.py" in l.log("a") and "most recent call first" in l.log("a")


def test_a_new_generation_ends_the_script_and_starts_it_anew_at_another_port(tmp_path: Path) -> None:
    with Launchers(tmp_path) as l:
        ports = []
        scripts = l.begin("a", "b")
        for members in (["a"], ["b", "a"], ["a", "b"]):
            ports.append(scripts[0].env["MASTER_PORT"])
            before, scripts = scripts, l.form(*members)
            for script in before:
                script.wait_gone()
        ports.append(scripts[0].env["MASTER_PORT"])
        assert len(set(ports)) == 4
        assert scripts[0].env["TORCHELASTIC_RESTART_COUNT"] == "3"


def test_it_does_not_wait_for_a_boundary(tmp_path: Path) -> None:
    with Launchers(tmp_path) as l:
        (alone,) = l.begin("a")
        l.start("b")
        both = l.form("a", "b", when="boundary")
        alone.wait_gone()
        assert [script.env["WORLD_SIZE"] for script in both] == ["2", "2"]


def test_a_standby_runs_nothing_until_it_is_promoted(tmp_path: Path) -> None:
    with Launchers(tmp_path) as l:
        l.start("a", "b")
        (first,) = l.form("a")
        assert first.rank == 0
        l.workers["a"].kill()
        first.do("")  # it outlives its launcher here; in a container both would be gone
        (second,) = l.form("b")
        assert "standby in generation 1" in l.log("b")
        assert second.told["pid"] != first.told["pid"]
        os.kill(first.told["pid"], signal.SIGKILL)


def test_a_script_that_does_not_listen_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    with Launchers(tmp_path) as l:
        (script,) = l.begin("a")
        script.do("import signal, subprocess; signal.signal(signal.SIGTERM, signal.SIG_IGN)")
        script.do("subprocess.Popen(['sleep', '600'], pass_fds=[link.fileno()]); link.sendall(b'ready\\n')")
        assert script.says() == "ready"
        l.form("a")
        script.wait_gone()  # the connection is the child's, too


def test_all_have_ended_when_the_master_says_so(tmp_path: Path) -> None:
    with Launchers(tmp_path) as l:
        zero, one = l.begin("a", "b")
        zero.do("sys.exit(0)")
        assert l.master.wait(lambda w, m: w == "a" and m["type"] == "script" and m["state"] == "ended")
        # A loss now: it starts again with the others.
        again = l.form("a", "b")
        one.wait_gone()
        for script in again:
            script.do("sys.exit(0)")
        l.master.wait(lambda _, m: m["type"] == "script" and m["state"] == "ended" and m["generation"] == 2, count=2)
        l.master.tell_all({"type": "shutdown", "reason": "succeeded"})
        assert [l.exit_code("a"), l.exit_code("b")] == [0, 0]


def test_sigterm_reaches_the_script_which_may_save_what_it_has(tmp_path: Path) -> None:
    with Launchers(tmp_path) as l:
        (script,) = l.begin("a")
        script.do("import signal, time; bye = lambda *_: (link.sendall(b'saved\\n'), sys.exit(3))")
        script.do("signal.signal(signal.SIGTERM, bye); link.sendall(b'ready\\n'); time.sleep(600)")
        assert script.says() == "ready"
        l.signal("a", signal.SIGTERM)
        assert script.says() == "saved"
        assert l.said("a", "leaving") == {"type": "leaving", "step": 0, "checkpointed": False}
        assert l.exit_code("a") == 0


def test_a_second_sigterm_waits_for_nothing(tmp_path: Path) -> None:
    with Launchers(tmp_path) as l:
        (script,) = l.begin("a")
        script.do("import signal; signal.signal(signal.SIGTERM, lambda *_: link.sendall(b'no\\n')); link.sendall(b'ready\\n')")
        assert script.says() == "ready"
        l.signal("a", signal.SIGTERM)
        assert script.says() == "no"
        l.signal("a", signal.SIGTERM)
        assert l.exit_code("a") == 143
        script.wait_gone()


def test_a_job_that_stops_is_left(tmp_path: Path) -> None:
    with Launchers(tmp_path) as l:
        l.begin("a")
        l.master.tell_all({"type": "stop", "reason": "interrupted"})
        assert l.said("a", "leaving")
        assert l.exit_code("a") == 0


def test_an_error_is_told_and_the_same_one_has_the_same_fingerprint(tmp_path: Path) -> None:
    with Launchers(tmp_path) as l:
        found = []
        for _ in range(2):
            since = len(l.master.messages)
            (script,) = l.begin("a")
            script.do("raise ValueError('no good')")
            found.append(l.said("a", "failed", since))
            assert l.exit_code("a") == 1
        assert found[0]["fingerprint"] == found[1]["fingerprint"]
        assert not found[0]["fatal"] and found[0]["message"] == "ValueError: no good"
        assert found[0]["traceback"].startswith("Traceback") and "obeys.py" in found[0]["traceback"]
        assert "ValueError: no good" in l.log("a")
        # What is written at every start is no progress.
        since = len(l.master.messages)
        (script,) = l.begin("a")
        script.do("open(os.environ['CHECKPOINT_DIR'] + '/log', 'w').close(); raise ValueError('no good')")
        assert l.said("a", "failed", since)["fingerprint"] == found[0]["fingerprint"]


def test_an_error_that_a_loss_explains_is_not_told_but_remembered(tmp_path: Path) -> None:
    with Launchers(tmp_path) as l:
        (script,) = l.begin("a")
        script.do("raise RuntimeError('peer is gone')")
        script.wait_gone()
        (script,) = l.form("a")
        assert not any(m["type"] == "failed" for _, m, _ in l.master.messages)
        script.do("raise RuntimeError('peer is gone')")
        failed = l.said("a", "failed")
        assert failed["fatal"], "twice in one process, and this time nobody was lost"


def test_an_error_that_says_a_peer_is_gone_lets_the_peer_speak_first(tmp_path: Path) -> None:
    with Launchers(tmp_path) as l:
        zero, one = l.begin("a", "b")
        zero.do("raise RuntimeError('[gloo/transport/tcp/pair.cc:534] Connection closed by peer')")
        zero.wait_gone()
        one.do("raise ValueError('no good')")
        l.said("b", "failed")
        zero = l.form("a")[0]
        assert [w for w, m, _ in l.master.messages if m["type"] == "failed"] == ["b"]
        zero.do("raise RuntimeError('[gloo/transport/tcp/pair.cc:534] Connection closed by peer')")
        failed = l.said("a", "failed")
        assert not failed["fatal"], "the first time was not its own doing"


def test_a_script_that_is_killed_from_outside_did_nothing_wrong(tmp_path: Path) -> None:
    with Launchers(tmp_path) as l:
        (script,) = l.begin("a")
        os.kill(script.told["pid"], signal.SIGKILL)
        assert "SIGKILL" in l.said("a", "note")["text"]
        assert l.exit_code("a") == 137
        assert not any(m["type"] == "failed" for _, m, _ in l.master.messages)


def test_a_script_that_ends_itself_badly_did(tmp_path: Path) -> None:
    with Launchers(tmp_path) as l:
        (script,) = l.begin("a")
        script.do("os.abort()")
        assert l.said("a", "failed")["message"] == "the script was ended by SIGABRT"


def test_a_master_that_is_away_changes_nothing(tmp_path: Path) -> None:
    with Launchers(tmp_path) as l:
        (script,) = l.begin("a")
        l.said("a", "script")
        since = len(l.master.messages)
        l.master.go_away()
        l.master.wait_gone("a")
        script.do("link.sendall(b'here\\n')")
        assert script.says() == "here"
        l.master.come_back()
        hello = l.said("a", "hello", since)
        assert (hello["generation"], hello["ready"]) == (1, True)
        assert l.said("a", "script", since)["state"] == "started"


def test_a_script_that_is_not_there_ends_the_job(tmp_path: Path) -> None:
    with Launchers(tmp_path, FTC_SCRIPT="/job/absent.py") as l:
        l.start("a")
        l.master.form(["a"])
        failed = l.said("a", "failed")
        assert failed["fatal"] and "/job/absent.py is not there" in failed["message"]


def test_the_launcher_is_light() -> None:
    code = "import sys, ftc.__main__, ftc.launch; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
