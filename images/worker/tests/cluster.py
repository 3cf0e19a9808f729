"""Worker processes on loopback under a fake master.

They are forked from a process that has loaded torch once: what a worker does from then on is the real thing.
"""

from __future__ import annotations

import faulthandler
import json
import multiprocessing
import os
import runpy
import signal
import sys
import tempfile
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from master import FakeMaster, Json

HERE = Path(__file__).parent
SCRIPTS = HERE / "scripts"

_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload(["torch", "torch._dynamo", "torch.distributed"])


def worker_main(env: dict[str, str], log: str) -> None:
    """`python -m ftc` in a forked process, its output in a file."""
    os.environ.clear()
    os.environ.update(env)
    multiprocessing.set_start_method("fork", force=True)  # as in a process that was started as usual
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(out, 1)
    os.dup2(out, 2)
    faulthandler.register(signal.SIGUSR1)  # for whoever looks for a hang
    # The sources may be mounted read-only: without a place for it, every worker would compile all of ftc again.
    sys.dont_write_bytecode, sys.pycache_prefix = False, str(Path(tempfile.gettempdir()) / "ftc-compiled")
    sys.path.insert(0, env["PYTHONPATH"])
    sys.argv = ["ftc"]
    runpy.run_module("ftc", run_name="__main__", alter_sys=True)


class Cluster:
    """`tmp` holds checkpoints and the workers' output, one file each. Use as a context manager."""

    def __init__(self, tmp: Path, script: str = "tiny.py", *args: str, **env: str) -> None:
        self.tmp = tmp
        self.master = FakeMaster(tmp / "keys")
        self.workers: dict[str, BaseProcess] = {}
        self._env = {
            **os.environ,
            "PYTHONPATH": str(HERE.parent),
            "JOB_ID": "tiny",
            "FTC_KEY_DIR": str(tmp / "keys"),
            "FTC_MASTER": f"127.0.0.1:{self.master.port}",
            "FTC_SCRIPT": str(SCRIPTS / script),
            "FTC_ARGS": json.dumps(args),
            "FTC_VIRTUAL_RANKS": "6",
            "FTC_SEED": "7",
            "FTC_EPOCHS": "3",
            "CHECKPOINT_DIR": str(tmp),
            "CHECKPOINT_EVERY": "5",
            **env,
        }

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: Any) -> None:
        for process in self.workers.values():
            process.kill()
            process.join()
        self._end_helpers()
        self.master.close()

    def _end_helpers(self) -> None:
        """Processes that a script has left behind write to a worker's log, too. The one that forks them all waits for each of them at its end."""
        logs = {str(self.tmp / f"{name}.log") for name in self.workers}
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if os.readlink(process / "fd" / "1") in logs:
                    os.kill(int(process.name), signal.SIGKILL)
            except OSError:  # it is another user's, or has just ended
                pass

    def start(self, *names: str) -> None:
        for name in names:
            env = {**self._env, "FTC_WORKER_ID": name}
            process = _server.Process(target=worker_main, args=(env, str(self.tmp / f"{name}.log")))
            process.start()
            self.workers[name] = process

    def begin(self, *names: str) -> None:
        """Starts workers, waits until all are ready, and forms a generation of them."""
        since = len(self.master.messages)
        self.start(*names)
        self.master.wait_ready(*names, since=since)
        self.master.form(list(names))

    def signal(self, name: str, number: signal.Signals) -> None:
        pid = self.workers[name].pid
        assert pid is not None
        os.kill(pid, number)

    def kill(self, *names: str) -> None:
        """SIGKILL, all at once; returns when the master has seen it."""
        for name in names:
            self.signal(name, signal.SIGKILL)
        for name in names:
            self.workers[name].join()
            self.master.wait_gone(name)

    def exit_code(self, name: str) -> int | None:
        self.workers[name].join(30)
        return self.workers[name].exitcode

    def log(self, name: str) -> str:
        return (self.tmp / f"{name}.log").read_text()

    def digests(self, *names: str) -> set[str]:
        """Waits until these are done, shuts them down, and checks that they went with 0."""
        done: list[Json] = []
        for name in names:
            done += self.master.wait(lambda w, m, name=name: w == name and m["type"] in ("done", "failed"))  # type: ignore[misc]
        assert all(m["type"] == "done" for m in done), [m.get("traceback", "") + m.get("message", "") for m in done]
        self.master.tell_all({"type": "shutdown", "reason": "all done"})
        for name in names:
            assert self.exit_code(name) == 0, self.log(name)
        return {m["digest"] for m in done}
