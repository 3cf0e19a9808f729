"""Damages checkpoints: each argument is `<kind>:<path of a checkpoint's directory>`. Run in the workers' image, on a job's volume."""

import dataclasses
import os
import sys
from pathlib import Path

from ftc.checkpoint.manifest import parse


def again(directory: Path, **changes: object) -> None:
    """A manifest that says something else, sealed as it should be."""
    path = directory / "manifest.json"
    path.write_bytes(dataclasses.replace(parse(path.read_bytes()), **changes).encode())  # type: ignore[arg-type]


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(data)


def halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


KINDS = {
    "state-truncated": lambda at: halve(at / "state.pt"),
    "state-flipped": lambda at: flip(at / "state.pt"),
    "state-missing": lambda at: (at / "state.pt").unlink(),
    "state-empty": lambda at: os.truncate(at / "state.pt", 0),
    "manifest-truncated": lambda at: halve(at / "manifest.json"),
    "manifest-flipped": lambda at: flip(at / "manifest.json"),
    "manifest-missing": lambda at: (at / "manifest.json").unlink(),
    "manifest-empty": lambda at: os.truncate(at / "manifest.json", 0),
    "wrong-job": lambda at: again(at, job="another"),
    "wrong-model": lambda at: again(at, signature="0" * 64),
    "future-format": lambda at: again(at, format=2),
}

for argument in sys.argv[1:]:
    kind, _, path = argument.partition(":")
    KINDS[kind](Path(path))
