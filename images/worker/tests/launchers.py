"""Launchers under a fake master, and the scripts that they run: each connects to the test and does what it is told."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from master import FakeMaster, Json

HERE = Path(__file__).parent


class Script:
    """A script that runs, as it is seen over its connection."""

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(30)
        self._sock = sock
        self._lines = sock.makefile("r")
        self.told: Json = json.loads(self._lines.readline())

    @property
    def env(self) -> dict[str, str]:
        return dict(self.told["env"])

    @property
    def rank(self) -> int:
        return int(self.env["RANK"])

    def do(self, code: str) -> None:
        self._sock.sendall(code.encode() + b"\n")

    def says(self) -> str:
        """Its next line; empty when it is gone. Waits."""
        try:
            return self._lines.readline().strip()
        except ConnectionResetError:
            return ""

    def wait_gone(self) -> None:
        assert self.says() == ""


class Launchers:
    """Use as a context manager. `tmp` is the checkpoint volume and holds the launchers' output, one file each."""

    def __init__(self, tmp: Path, **env: str) -> None:
        self.tmp = tmp
        self.master = FakeMaster(tmp / "keys")
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(tmp / "test.sock"))
        self._server.listen()
        self._server.settimeout(30)
        self._env = {
            **os.environ,
            "PYTHONPATH": str(HERE.parent),
            "JOB_ID": "plain",
            "FTC_LAUNCHER": "torchrun",
            "FTC_KEY_DIR": str(tmp / "keys"),
            "FTC_MASTER": f"127.0.0.1:{self.master.port}",
            "FTC_SCRIPT": str(HERE / "scripts" / "obeys.py"),
            "FTC_ARGS": json.dumps([str(tmp / "test.sock"), "--lr", "0.1"]),
            "FTC_EPOCHS": "1",
            "FTC_THREADS": "2",
            "CHECKPOINT_DIR": str(tmp),
            **env,
        }

    def __enter__(self) -> Launchers:
        return self

    def __exit__(self, *_: Any) -> None:
        for process in self.workers.values():
            process.kill()
            process.wait()
        self._server.close()
        self.master.close()

    def start(self, *names: str) -> None:
        since = len(self.master.messages)
        self.master.current = {}  # a new process is told of no generation that was formed without it
        for name in names:
            with (self.tmp / f"{name}.log").open("ab") as log:
                env = {**self._env, "FTC_WORKER_ID": name}
                self.workers[name] = subprocess.Popen([sys.executable, "-m", "ftc"], env=env, stdout=log, stderr=log)
        self.master.wait_ready(*names, since=since)

    def form(self, *members: str, when: str = "now") -> list[Script]:
        """The next generation, and the scripts that it starts, in order of rank."""
        self.master.form(list(members), when)
        return self.scripts(len(members))

    def begin(self, *names: str) -> list[Script]:
        self.start(*names)
        return self.form(*names)

    def scripts(self, count: int) -> list[Script]:
        """Waits for the next scripts to come; in order of rank."""
        return sorted((Script(self._server.accept()[0]) for _ in range(count)), key=lambda script: script.rank)

    def said(self, worker: str, kind: str, since: int = 0) -> Json:
        return self.master.wait(lambda w, m: w == worker and m["type"] == kind, since=since)[0]

    def signal(self, name: str, number: signal.Signals) -> None:
        self.workers[name].send_signal(number)

    def exit_code(self, name: str) -> int:
        return self.workers[name].wait(30)

    def log(self, name: str) -> str:
        return (self.tmp / f"{name}.log").read_text()
