"""What the reading of shards has to say while it waits or works: in the worker's output, and among the job's events."""

from __future__ import annotations

import sys
from typing import Literal

from .. import script
from ..messages import Note
from ..visible import visible


def say(level: Literal["info", "warn"], text: str) -> None:
    print(f"ftc: {visible(text)}", file=sys.stderr, flush=True)
    runtime = script.current()
    if runtime is not None:
        runtime.link.send(Note(level, text))
