"""Worker processes on loopback under a fake master."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from master import FakeMaster, Json

HERE = Path(__file__).parent
SCRIPTS = HERE / "scripts"


class Cluster:
    """`tmp` holds checkpoints and the workers' output, one file each. Use as a context manager."""

    def __init__(self, tmp: Path, script: str = "tiny.py", *args: str, **env: str) -> None:
        self.tmp = tmp
        self.master = FakeMaster()
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self._env = {
            **os.environ,
            "PYTHONPATH": str(HERE.parent),
            "PYTHONDONTWRITEBYTECODE": "1",
            "JOB_ID": "tiny",
            "FTC_MASTER": f"127.0.0.1:{self.master.port}",
            "FTC_SCRIPT": str(SCRIPTS / script),
            "FTC_ARGS": json.dumps(args),
            "FTC_VIRTUAL_RANKS": "6",
            "FTC_SEED": "7",
            "FTC_EPOCHS": "3",
            "CHECKPOINT_DIR": str(tmp),
            "CHECKPOINT_EVERY": "5",
            "PYTHONHASHSEED": "0",
            **env,
        }

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: Any) -> None:
        for process in self.workers.values():
            process.kill()
            process.wait()
        self.master.close()

    def start(self, *names: str) -> None:
        for name in names:
            with open(self.tmp / f"{name}.log", "ab") as log:
                self.workers[name] = subprocess.Popen(
                    [sys.executable, "-m", "ftc"],
                    env={**self._env, "FTC_WORKER_ID": name},
                    stdout=log,
                    stderr=log,
                )

    def begin(self, *names: str) -> None:
        """Starts workers, waits until all are ready, and forms a generation of them."""
        since = len(self.master.messages)
        self.start(*names)
        self.master.wait_ready(*names, since=since)
        self.master.form(list(names))

    def kill(self, name: str) -> None:
        self.workers[name].send_signal(signal.SIGKILL)
        self.workers[name].wait()
        self.master.wait_gone(name)

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
            assert self.workers[name].wait(20) == 0, self.log(name)
        return {m["digest"] for m in done}
