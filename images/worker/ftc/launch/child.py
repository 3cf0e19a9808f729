"""The script's process: its own group, its output passed through, its end told."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .verdict import last_traceback, recorded

TAIL = 64 * 1024
"""Bytes of stderr that are kept for the report of a failure."""


class Child:
    """Started at once. `on_exit` is called once, from a thread of its own, when it and all that it started are gone."""

    def __init__(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        generation: int,
        on_exit: Callable[[Child], None],
        error_file: Path | None = None,
    ) -> None:
        self.generation = generation
        self._error_file = error_file
        self.seconds = 0.0
        """How long it ran. Only once it has ended."""
        self._began = time.monotonic()
        self.stopping = False
        """It was asked to end: how it does says nothing about the script."""
        self._tail: deque[bytes] = deque()
        self._kept = 0
        self._process = subprocess.Popen(
            command, env=dict(env), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
        )
        self._pump = threading.Thread(target=self._pass_on, name="ftc-stderr", daemon=True)
        self._pump.start()
        threading.Thread(target=self._wait, args=(on_exit,), name="ftc-child", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def code(self) -> int:
        """As `subprocess` tells it: negative is the signal that ended it. Only once it has."""
        assert self._process.returncode is not None
        return self._process.returncode

    @property
    def stderr(self) -> str:
        """The end of what it wrote there; where that shows no error, the one that torch's `@record` has put into its file."""
        said = b"".join(self._tail)[-TAIL:].decode(errors="replace")
        if self._error_file is None or last_traceback(said):
            return said
        return recorded(self._error_file) or said

    def stop(self) -> None:
        """SIGTERM to it and all that it started."""
        self.stopping = True
        self._signal(signal.SIGTERM)

    def abort(self) -> None:
        """SIGABRT to it alone: Python shows where its threads stand, and ends. No memory is written to a file."""
        try:
            resource.prlimit(self.pid, resource.RLIMIT_CORE, (0, 0))
        except OSError:
            pass  # it has just ended
        if self._process.returncode is None:
            os.kill(self.pid, signal.SIGABRT)

    def kill(self) -> None:
        self.stopping = True
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        # The group's number is the process's, which stays taken until `_wait` has reaped it.
        if self._process.returncode is None:
            try:
                os.killpg(self.pid, number)
            except ProcessLookupError:
                pass

    def _wait(self, on_exit: Callable[[Child], None]) -> None:
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        self.seconds = time.monotonic() - self._began
        self._signal(signal.SIGKILL)  # what it started, such as a data loader's workers
        self._process.wait()
        self._pump.join(1.0)
        on_exit(self)

    def _pass_on(self) -> None:
        pipe = self._process.stderr
        assert pipe is not None
        fd = pipe.fileno()
        while data := os.read(fd, 65536):
            sys.stderr.buffer.write(data)
            sys.stderr.buffer.flush()
            self._tail.append(data)
            self._kept += len(data)
            while self._kept - len(self._tail[0]) > TAIL:
                self._kept -= len(self._tail.popleft())
        pipe.close()
