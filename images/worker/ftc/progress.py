"""Where this worker is, as its hello and its heartbeats tell. Written by the training thread, read by the link's."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from .messages import Heartbeat, Phase


@dataclass(frozen=True)
class Pace:
    """One committed step, in seconds: computing the slices that this rank carries, then waiting in the reduction."""

    compute: float
    slices: int
    wait: float


class Progress:
    """`samples` counts all committed steps of the job; `generation` is None while the worker is no member."""

    def __init__(self) -> None:
        self.generation: int | None = None
        self.step = 0
        self.total_steps: int | None = None
        self.holds_state = False
        self.ready = False
        self.loss: float | None = None
        self.samples = 0
        self.epoch = 0
        self.slices = 0
        """How many this rank carries in the step under way."""
        self.pace: Pace | None = None
        """Of the last step that was committed here."""
        self.checks = 0
        self.checked_step: int | None = None
        self.skipped = 0
        self.parting = False
        """The state is written, this worker leaves, and knows of no other that stays and has it: one slice more runs (loop.py)."""
        self._phase: tuple[Phase, float] = ("starting", time.monotonic())
        self._computed = 0.0

    @property
    def phase(self) -> Phase:
        return self._phase[0]

    @phase.setter
    def phase(self, phase: Phase) -> None:
        """Starts the phase's clock, also where it is the same phase again."""
        (before, since), now = self._phase, time.monotonic()
        if before == "compute" and phase == "reduce":
            self._computed = now - since
        elif before == "reduce" and phase == "compute":  # committed: a reduction that broke leads elsewhere
            self.pace = Pace(self._computed, self.slices, now - since)
        self._phase = (phase, now)

    def heartbeat(self) -> Heartbeat:
        loss, pace = self.loss, self.pace
        phase, since = self._phase
        return Heartbeat(
            generation=self.generation,
            step=self.step,
            phase=phase,
            loss=loss if loss is not None and math.isfinite(loss) else None,
            samples=self.samples,
            epoch=self.epoch,
            at=epoch_ms(),
            phase_ms=_ms(time.monotonic() - since),
            compute_ms=None if pace is None else _ms(pace.compute),
            slices=0 if pace is None else pace.slices,
            wait_ms=None if pace is None else _ms(pace.wait),
            checks=self.checks,
            checked_step=self.checked_step,
            skipped=self.skipped,
        )


def _ms(seconds: float) -> float:
    return round(max(0.0, seconds) * 1000.0, 3)


def epoch_ms() -> float:
    """Wall-clock time in milliseconds, with fractions."""
    return time.time() * 1000.0
