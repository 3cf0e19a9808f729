"""Helper processes of a script: they end when they are told, keep nothing of the worker's, and change nothing for the job."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cluster import Cluster

KINDS = ("fork", "spawn", "forkserver", "killed", "at_once", "pool", "executor", "executor_spawn")
OTHERS = ("by_hand", "exits", "daemon", "programs", "loader", "asyncio")


def helped(tmp: Path, kind: str, *hold: str, **env: str) -> Cluster:
    return Cluster(tmp, "helpers.py", kind, *hold, FTC_EPOCHS="5", FTC_VIRTUAL_RANKS="4", **env)


def types(cluster: Cluster) -> set[str]:
    return {message["type"] for _, message, _ in cluster.master.messages}


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> str:
    with helped(tmp_path_factory.mktemp("calm"), "none") as cluster:
        cluster.begin("a")
        (digest,) = cluster.digests("a")
        return digest


@pytest.mark.parametrize("kind", [*KINDS, *OTHERS])
def test_helpers_come_and_go_before_the_loop_in_it_and_after_it(tmp_path: Path, calm: str, kind: str) -> None:
    with helped(tmp_path, kind) as cluster:
        names = "a" if kind == "executor_spawn" else "ab"  # each of its processes loads torch
        cluster.begin(*names)
        assert cluster.digests(*names) == {calm}
        assert types(cluster).isdisjoint({"leaving", "broken", "failed"})
        for name in names:
            assert cluster.log(name).count("all helpers are done") == 1, cluster.log(name)
            assert cluster.log(name).count("a copy says so") == (3 if kind == "exits" else 0)


def test_helpers_that_are_left_running_do_not_outlive_the_job(tmp_path: Path, calm: str) -> None:
    with helped(tmp_path, "left_running") as cluster:
        cluster.begin("a")
        assert cluster.digests("a") == {calm}
        pids = (tmp_path / "pids").read_text().split()
        assert len(pids) >= 6
        for pid in pids:
            assert not Path(f"/proc/{pid}").exists()


def test_a_worker_that_leaves_leaves_no_helper_behind(tmp_path: Path) -> None:
    with helped(tmp_path, "left_running", "4") as cluster:
        cluster.begin("a")
        cluster.master.wait_step(4)
        cluster.signal("a", signal.SIGTERM)
        (tmp_path / "go").touch()
        cluster.master.wait(lambda _, m: m["type"] == "leaving")
        assert cluster.exit_code("a") == 0, cluster.log("a")
        for pid in (tmp_path / "pids").read_text().split():
            assert not Path(f"/proc/{pid}").exists()


@contextmanager
def process(cluster: Cluster, name: str) -> Iterator[subprocess.Popen[bytes]]:
    """What a container has: no fork of a process with torch in it, but `python -m ftc`."""
    env = {**cluster._env, "FTC_WORKER_ID": name}
    with (cluster.tmp / f"{name}.log").open("ab") as log:
        made = subprocess.Popen([sys.executable, "-m", "ftc"], env=env, stdout=log, stderr=log)
    try:
        cluster.master.wait_ready(name)
        yield made
    finally:
        made.kill()
        made.wait()


@pytest.mark.parametrize("kind", ["at_once", "spawn"])
def test_a_process_as_in_a_container(tmp_path: Path, calm: str, kind: str) -> None:
    with helped(tmp_path, kind) as cluster, process(cluster, "a") as made:
        cluster.master.form(["a"])
        (done,) = cluster.master.wait(lambda _, m: m["type"] in ("done", "failed"))
        assert done.get("digest") == calm, done
        cluster.master.tell_all({"type": "shutdown", "reason": "all done"})
        assert made.wait(30) == 0
        assert types(cluster).isdisjoint({"leaving", "broken"})


def sockets(pid: int, *, pipes: bool = False) -> set[str]:
    """The kernel's names of what a process has open."""
    found = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            name = os.readlink(f"/proc/{pid}/fd/{fd}")
        except FileNotFoundError:
            continue
        if name.startswith("socket:") or (pipes and name.startswith("pipe:") and int(fd) > 2):
            found.add(name)
    return found


@contextmanager
def outlived(tmp: Path, kind: str, script: str = "outlived.py", **env: str) -> Iterator[tuple[Cluster, dict[str, Any]]]:
    """a waits in step 4's reduction for b, and b's helper is there."""
    with Cluster(tmp, script, kind, FTC_EPOCHS="5", FTC_VIRTUAL_RANKS="4", FTC_STANDBY_SYNC="1", **env) as cluster:
        cluster.start("s")
        cluster.master.wait_ready("s")
        cluster.begin("a", "b")
        cluster.master.wait(lambda w, m: w == "a" and m["type"] == "heartbeat" and m["phase"] == "reduce" and m["step"] == 4)
        while not (tmp / "helper").exists():
            time.sleep(0.01)
        helper = json.loads((tmp / "helper").read_text())
        try:
            yield cluster, helper
        finally:
            try:
                os.kill(helper["pid"], signal.SIGKILL)
            except ProcessLookupError:
                pass


@pytest.mark.parametrize("kind", ["forked", "from_a_thread", "program", "loader"])
def test_a_lost_workers_connections_close_although_its_helper_lives(tmp_path: Path, kind: str) -> None:
    with outlived(tmp_path, kind) as (cluster, helper):
        port = cluster.master.peers["b"].hello["storePort"]
        os.kill(helper["pid"], signal.SIGSTOP)  # torch's own would end by itself soon
        cluster.kill("b")
        cluster.master.wait(lambda w, m: w == "a" and m["type"] == "broken", timeout=10)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=5)
        socket.create_server(("0.0.0.0", port)).close()
        assert Path(f"/proc/{helper['pid']}/stat").read_text().split()[2] == "T"
        cluster.master.form(["a"])
        assert len(cluster.digests("a")) == 1


@pytest.mark.parametrize("kind", ["forked", "program"])
def test_a_helper_has_the_scripts_sockets_and_none_of_the_workers(tmp_path: Path, kind: str) -> None:
    with outlived(tmp_path, kind) as (cluster, helper):
        worker = cluster.workers["b"].pid
        assert worker is not None
        program = kind == "program"
        common = sockets(worker, pipes=program) & sockets(helper["pid"], pipes=program)
        own = {f"socket:[{inode}]" for inode in helper["own"]}
        common -= sockets(os.getpid(), pipes=True)  # what the worker inherited from the test
        assert common == (set() if program else own)
        (tmp_path / "go").touch()
        assert len(cluster.digests("a", "b")) == 1
