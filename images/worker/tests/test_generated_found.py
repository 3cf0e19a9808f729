"""What random scripts have found: each of these once ended with other bits under faults, or with an error that was not ftc's own word."""

from __future__ import annotations

from pathlib import Path

import pytest

from generated.program import Program
from generated.source import source
from generated.trial import attempt

FOUND = {
    "a sparse buffer is registered": (237, {"block1": "buffer-sparse"}),
    "a step is left out whose gradients the scaler has seen": (4, {"nan": "skip", "scaler": "cpu"}),
    "the only slice of a batch is the last worker's, and backward moves buffers": (
        18,
        {"virtual_ranks": "8", "samples": "41", "batch_size": "8", "block1": "spectral", "recompute": "new"},
    ),
    "a script draws after a step's commit, and again ahead of the next one's slices": (131, {"api": "steps", "draw_after": "numpy", "head": "numpy"}),
    "noise is added to the gradients before the commit": (402, {"api": "steps", "gradients": "noise", "virtual_ranks": "5"}),
}


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_stays_mended(tmp_path: Path, name: str) -> None:
    program = Program(*FOUND[name])
    trial = attempt(program, tmp_path / "trial", [2, 3])
    assert trial.end.good, f"{trial.end.value}\n{trial.story}\n{source(program)}"
