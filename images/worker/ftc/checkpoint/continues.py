"""Whether the job's data goes on where a checkpoint says that it does."""

from __future__ import annotations

from ..errors import FtcError
from .manifest import Position


def continues(step: int, there: Position | None, here: Position | None) -> None:
    """`there`: the next sample by the checkpoint of `step`; `here`: by the data as it is. Raises FtcError where they differ."""
    if there == here:
        return
    raise FtcError(
        f"by the checkpoint of step {step} training goes on at {_place(there)}, and by the data as it is now at {_place(here)}: "
        "the data is not what this job was trained on so far (shards were added, removed or renamed, or window= or shuffle= is "
        "another). Put it back, or train on this under another name: docs/data.md"
    )


def _place(position: Position | None) -> str:
    return "a place in data without shards" if position is None else f"sample {position.line} of {position.shard}"
