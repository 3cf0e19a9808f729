"""What came out of a committed step, to be compared when the step is made again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class StepResult:
    """What came out of a step: its loss, the norm of its gradients, and 64 bits of their sum, as far as they are known."""

    loss: float
    norm: float | None = None
    total: int | None = None

    def differs(self, other: StepResult) -> bool:
        """To the bit, in what both know; all that is not a number is alike."""
        pairs = [(self.loss.hex(), other.loss.hex()), (_hex(self.norm), _hex(other.norm)), (self.total, other.total)]
        return any(one != two for one, two in pairs if one is not None and two is not None)

    def line(self, step: int) -> bytes:
        return as_line({"step": step, "loss": self.loss.hex(), "norm": _hex(self.norm), "sum": self.total})


def _hex(value: float | None) -> str | None:
    return None if value is None else value.hex()


def as_line(told: dict[str, Any]) -> bytes:
    """One line of JSON."""
    return json.dumps(told, separators=(",", ":")).encode() + b"\n"
