"""The commit log: one line a committed step, on the worker's clock, where the benchmark's program can read it.

A file a process in `$CHECKPOINT_DIR/commits`. A line costs the training some microseconds, and outlives a SIGKILL.
"""

import os
import socket
import time
from pathlib import Path


class CommitLog:
    """Lines of `step rank world generation time`; seconds since the epoch."""

    def __init__(self) -> None:
        folder = Path(os.environ["CHECKPOINT_DIR"]) / "commits"
        name = f"{socket.gethostname()}-{time.time_ns()}.log"
        self._file = os.open(folder / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def add(self, step: int, rank: int, world: int, generation: int) -> None:
        os.write(self._file, f"{step} {rank} {world} {generation} {time.time():.6f}\n".encode())
