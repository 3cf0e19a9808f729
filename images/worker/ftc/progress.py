"""Where this worker is, as its hello and its heartbeats tell. Written by the training thread, read by the link's."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from .messages import Heartbeat, Phase


@dataclass
class Progress:
    """`samples` counts all committed steps of the job; `generation` is None while the worker is no member."""

    phase: Phase = "starting"
    generation: int | None = None
    step: int = 0
    total_steps: int | None = None
    holds_state: bool = False
    ready: bool = False
    loss: float | None = None
    samples: int = 0
    epoch: int = 0

    def heartbeat(self) -> Heartbeat:
        loss = self.loss
        return Heartbeat(
            generation=self.generation,
            step=self.step,
            phase=self.phase,
            loss=loss if loss is not None and math.isfinite(loss) else None,
            samples=self.samples,
            epoch=self.epoch,
            at=epoch_ms(),
        )


def epoch_ms() -> float:
    """Wall-clock time in milliseconds, with fractions."""
    return time.time() * 1000.0
