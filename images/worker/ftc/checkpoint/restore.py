"""Finding the newest checkpoint that verifies. Nothing else is loaded, and what does not verify is set aside, not deleted."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from . import manifest
from ..digest import digest
from ..errors import FtcError
from .manifest import Manifest
from ..state import State

NAME = re.compile(r"step-([0-9]{8,})")


@dataclass(frozen=True)
class Expected:
    """What a checkpoint must belong to, so that going on from it gives the result of this job and no other."""

    job: str
    signature: str
    seed: int
    batch_size: int
    virtual_ranks: int


class Damaged(Exception):
    """A checkpoint does not verify. The text is the reason."""


def newest(
    root: Path, expected: Expected, note: Callable[[str], None], above: int = -1
) -> tuple[Manifest, State] | None:
    """None where there never was one of a step higher than `above`. `note` is told of each that is set aside.

    Raises FtcError where one verifies but belongs to something else, and where there are only damaged ones and no state
    is held: starting over in silence would lose what a person might still save.
    """
    damaged = 0
    for directory in candidates(root):
        if _step_of(directory) <= above:
            return None
        try:
            found = verify(directory, expected.job)
        except Damaged as error:
            damaged += 1
            aside = set_aside(directory)
            note(f"checkpoint {directory.name} set aside as {aside}: {error}")
            continue
        _belongs(directory, found[0], expected)
        return found
    old = sorted(path.name for path in root.glob(".bad-*")) if root.is_dir() else []
    if above < 0 and (damaged or old):
        raise FtcError(
            f"none of the checkpoints in {root} verifies (set aside: {', '.join(old)}). To start over, remove them."
        )
    return None


def candidates(root: Path) -> list[Path]:
    """Directories named like checkpoints, newest step first."""
    if not root.is_dir():
        return []
    found = [(int(match[1]), path) for path in root.iterdir() if (match := NAME.fullmatch(path.name))]
    return [path for _, path in sorted(found, reverse=True)]


def verify(directory: Path, job: str) -> tuple[Manifest, State]:
    """Reads a checkpoint whole. What is hashed is what is loaded. Raises Damaged."""
    try:
        about = manifest.parse((directory / "manifest.json").read_bytes())
        if about.job != job:
            raise Damaged(f"it belongs to the job {about.job!r}")
        if _step_of(directory) != about.step:
            raise Damaged(f"its manifest is of step {about.step}")
        data = {name: (directory / name).read_bytes() for name in about.files}
    except FileNotFoundError as error:
        raise Damaged(f"{Path(error.filename).name} is missing") from None
    except OSError as error:
        raise Damaged(f"it cannot be read: {error}") from None
    except ValueError as error:
        raise Damaged(str(error)) from None
    for name, file in about.files.items():
        if len(data[name]) != file.bytes:
            raise Damaged(f"{name} has {len(data[name])} bytes instead of {file.bytes}")
        if hashlib.sha256(data[name]).hexdigest() != file.sha256:
            raise Damaged(f"{name} does not have the SHA-256 of its manifest")
    try:
        state = torch.load(io.BytesIO(data["state.pt"]), map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError, ValueError) as error:
        raise Damaged(f"state.pt cannot be loaded: {str(error).splitlines()[0]}") from None
    if digest(state) != about.digest:
        raise Damaged("its state does not have the digest of its manifest")
    return about, state


def set_aside(directory: Path) -> str:
    """Renames to `.bad-<name>-<n>`; returns the new name."""
    for n in range(1, 1_000_000):
        aside = directory.with_name(f".bad-{directory.name}-{n}")
        if not aside.exists():
            os.rename(directory, aside)
            return aside.name
    raise FtcError(f"{directory} cannot be set aside")


def sweep(root: Path) -> None:
    """Removes what an interrupted writer left. Only when nobody can be writing: when no worker holds state."""
    for path in root.glob(".tmp-*") if root.is_dir() else ():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _step_of(directory: Path) -> int:
    return int(directory.name.removeprefix("step-"))


def _belongs(directory: Path, about: Manifest, expected: Expected) -> None:
    pairs = [
        ("model (names, dtypes, shapes)", about.signature[:12], expected.signature[:12]),
        ("seed", about.seed, expected.seed),
        ("batch size", about.batch_size, expected.batch_size),
        ("number of virtual ranks", about.virtual_ranks, expected.virtual_ranks),
    ]
    other = [f"{name}: {theirs} there, {ours} here" for name, theirs, ours in pairs if theirs != ours]
    if other:
        raise FtcError(
            f"the checkpoint {directory} belongs to another run ({'; '.join(other)}). Nothing was written. "
            "Give the job another name, or remove its checkpoints, or set these back."
        )
