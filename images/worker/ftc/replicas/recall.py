"""The difference for which all went back last, beside the checkpoints: processes that start anew for it have to know that it comes back."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from ..checkpoint import plain
from .diverged import Dealt

NAME = "returned.json"
MOST_BYTES = 1 << 20


def remember(folder: Path, dealt: Dealt) -> None:
    """Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / NAME, "w", encoding="utf-8", opener=plain.itself) as file:
        json.dump(asdict(dealt), file)


def recall(folder: Path) -> Dealt | None:
    """None where there was none, or where nobody can tell any more."""
    try:
        told = json.loads(plain.read(folder / NAME, MOST_BYTES))
        return Dealt(str(told["leaf"]), list(told["position"]), list(told["workers"]), int(told["step"]), int(told["times"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None
