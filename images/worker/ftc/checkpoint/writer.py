"""Checkpoints in the background: training stands still only for the copy into memory. At most one is in flight."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import torch

from ..messages import CheckpointReport
from ..packing import pack
from .publish import Draft, publish
from .manifest import Manifest
from ..state import State


class Writer:
    """One worker's checkpoints. `report` is called for each, from the thread that wrote it."""

    def __init__(self, root: Path, worker: str, report: Callable[[CheckpointReport], None]) -> None:
        self._root = root
        self._worker = worker
        self._report = report
        self._thread: threading.Thread | None = None
        self._reuse: torch.Tensor | None = None

    @property
    def busy(self) -> bool:
        """A write is in flight: the next checkpoint waits, training does not."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, state: State, about: Manifest) -> None:
        """Copies the state and returns; the rest happens behind. Only while not busy."""
        draft, stall = self._copy(state, about)
        self._thread = threading.Thread(target=self._write, args=(draft, stall), name="ftc-checkpoint")
        self._thread.start()

    def write(self, state: State, about: Manifest) -> bool:
        """The same, but returns when it is durable: True, or False where it could not be written."""
        self.join()
        draft, stall = self._copy(state, about)
        return self._write(draft, stall)

    def join(self, seconds: float | None = None) -> None:
        """Waits for the write in flight."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _copy(self, state: State, about: Manifest) -> tuple[Draft, float]:
        began = time.perf_counter()
        packed = pack(state, self._reuse)
        self._reuse = packed.payload
        return Draft(packed, about), (time.perf_counter() - began) * 1000

    def _write(self, draft: Draft, stall_ms: float) -> bool:
        began = time.perf_counter()
        size, error = 0, None
        try:
            size = publish(self._root, draft, self._worker)
        except Exception as problem:  # told, never raised: training goes on without this checkpoint
            error = f"{type(problem).__name__}: {problem}"
        self._report(
            CheckpointReport(
                step=draft.about.step,
                generation=draft.about.generation,
                ok=error is None,
                bytes=size,
                stall_ms=stall_ms,
                write_ms=(time.perf_counter() - began) * 1000,
                error=error,
            )
        )
        return error is None
