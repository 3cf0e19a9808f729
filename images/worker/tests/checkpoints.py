"""Small checkpoints of a job named tiny, and the ways in which they can be damaged."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from ftc.checkpoint.manifest import RULES, Manifest
from ftc.checkpoint.publish import Draft, publish
from ftc.checkpoint.restore import Expected, newest
from ftc.digest import digest, signature
from ftc.state import State


def state(value: float) -> State:
    return {"model": {"w": torch.full((1000,), value)}, "optimizer": {"lr": value, "betas": (0.5, 0.9)}}


SIGNATURE = signature(state(0)["model"])
EXPECTED = Expected("tiny", SIGNATURE, seed=7, batch_size=24, virtual_ranks=6)


def about(step: int, generation: int = 1) -> Manifest:
    return Manifest("tiny", step, generation, 0, step * 24, 6, 7, 24, "2.6.0", "", SIGNATURE, "", {}, rules=RULES)


def telling(step: int, generation: int = 1) -> Callable[[], Manifest]:
    """`about`, when it is asked for."""
    return lambda: about(step, generation)


def draft(step: int, generation: int = 1) -> Draft:
    return Draft(state(float(step)), about(step, generation))


def put(root: Path, step: int, generation: int = 1) -> Path:
    publish(root, draft(step, generation), "me")
    return root / f"step-{step:08d}"


def found(root: Path, notes: list[str] | None = None, above: int = -1) -> int | None:
    """The step of the newest that can be loaded; what is loaded is what was saved."""
    result = newest(root, EXPECTED, lambda text, aside=None, /: (notes if notes is not None else []).append(text), above)
    if result is None:
        return None
    about, loaded = result
    assert digest(loaded) == digest(state(float(about.step))) == about.digest
    return about.step


def names(root: Path) -> list[str]:
    """What is in a job's directory, but for the lock."""
    return sorted(path.name for path in root.iterdir() if path.name != ".lock")


def snapshot(root: Path) -> dict[str, bytes | None]:
    """All that is below a directory."""
    return {str(path.relative_to(root)): path.read_bytes() if path.is_file() else None for path in root.rglob("*")}


class Live:
    """A state that is being trained: what a Writer takes its checkpoints of."""

    def __init__(self, state: State, at_once: Sequence[str] = ()) -> None:
        self.state = state
        self._at_once = at_once

    def capture(self) -> State:
        return self.state

    def lasting(self, path: Sequence[str | int]) -> bool:
        return path[0] not in self._at_once

    def glance(self) -> Callable[[], State] | None:
        return None

    @property
    def watched(self) -> list[torch.Tensor]:
        return []


def flip(file: Path, at: float = 0.5) -> None:
    """Changes one bit."""
    data = bytearray(file.read_bytes())
    data[int(len(data) * at)] ^= 1
    file.write_bytes(data)


def change(**fields: Any) -> Callable[[Path], None]:
    """A manifest that says something else, and was written to say so."""

    def damage(directory: Path) -> None:
        file = directory / "manifest.json"
        body = json.loads(file.read_text())
        body.pop("seal", None)
        file.write_text(json.dumps({**body, **fields}))

    return damage


def in_its_place(file: Path) -> None:
    file.unlink()
    file.mkdir()


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "truncated": (lambda d: os.truncate(d / "state.pt", 100), "100 bytes instead of"),
    "longer": (lambda d: os.truncate(d / "state.pt", 100_000), "100000 bytes instead of"),
    "a flipped bit": (lambda d: flip(d / "state.pt"), "SHA-256"),
    "a flipped bit at the very end": (lambda d: flip(d / "state.pt", 0.9999), "SHA-256"),
    "no state": (lambda d: (d / "state.pt").unlink(), "state.pt is missing"),
    "an empty state": (lambda d: (d / "state.pt").write_bytes(b""), "0 bytes instead of"),
    "a directory for a state": (lambda d: in_its_place(d / "state.pt"), "cannot be read"),
    "no manifest": (lambda d: (d / "manifest.json").unlink(), "manifest.json is missing"),
    "an empty manifest": (lambda d: (d / "manifest.json").write_bytes(b""), "not JSON"),
    "half a manifest": (lambda d: os.truncate(d / "manifest.json", 50), "not JSON"),
    "a flipped bit in the manifest": (lambda d: flip(d / "manifest.json"), "manifest.json"),
    "a manifest without an end": (lambda d: os.truncate(d / "manifest.json", 2 << 20), "more than 1048576 bytes"),
    "another job's": (change(job="other"), "belongs to the job 'other'"),
    "another model's": (change(signature="0" * 64), "belongs to another run (model"),
    "a future format": (change(format=2), "format 2, and 1 is known"),
    "another step's": (change(step=11), "step 11"),
    "a way out of the directory": (change(files={"state.pt": {"bytes": 1, "sha256": "0" * 64}, "../x": {}}), "not complete"),
    "a file more than there is": (
        lambda d: change(files={**json.loads((d / "manifest.json").read_text())["files"], "more": {"bytes": 1, "sha256": "0" * 64}})(d),
        "more is missing",
    ),
}
