"""Publishing a checkpoint: written aside, made durable, renamed. Until then it does not exist, afterwards it is whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, cast

import torch

from . import manifest
from ..digest import digest
from .durable import HashingFile, replace_file, sync_directory, sync_file
from .manifest import File, Manifest
from ..packing import Packed, unpack


@dataclass(frozen=True)
class Draft:
    """A state copied aside, with all of its manifest that is known before it is written."""

    packed: Packed
    about: Manifest


def name_of(step: int) -> str:
    return f"step-{step:08d}"


def publish(root: Path, draft: Draft, worker: str) -> int:
    """Writes one checkpoint; returns its bytes. Raises OSError, with nothing left behind, where the disk does not take it.

    One that is there under the same step stays if it is of the same or a newer generation.
    """
    root.mkdir(parents=True, exist_ok=True)
    temporary = root / f".tmp-{name_of(draft.about.step)}-{worker}"
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir()
        written = _write(temporary, draft)
        _put(root, temporary, written)
        _point_latest(root, written, worker)
        return sum(file.bytes for file in written.files.values())
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        (root / f".tmp-LATEST-{worker}").unlink(missing_ok=True)


def read_manifest(directory: Path) -> Manifest | None:
    """None where there is none that can be read."""
    try:
        return manifest.parse((directory / "manifest.json").read_bytes())
    except (OSError, ValueError):
        return None


def latest(root: Path) -> Manifest | None:
    """What LATEST points to, unverified; None where it points to nothing."""
    try:
        name = (root / "LATEST").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    return read_manifest(root / name) if name and "/" not in name else None


def _write(directory: Path, draft: Draft) -> Manifest:
    state = unpack(draft.packed, copy=False)
    with open(directory / "state.pt", "wb") as file:
        hashing = HashingFile(file)
        _saving(lambda: torch.save(state, cast(IO[bytes], hashing)))
        sync_file(file)
    about = replace(
        draft.about,
        digest=digest(state),
        created_at=datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        files={"state.pt": File(hashing.bytes, hashing.sha256)},
    )
    with open(directory / "manifest.json", "wb") as file:
        file.write(about.encode())
        sync_file(file)
    sync_directory(directory)
    return about


def _saving(save: Callable[[], None]) -> None:
    """Torch reports a failed write as a RuntimeError of its own; what it comes from is what people need to know."""
    cause: OSError | None = None
    try:
        save()
    except RuntimeError as error:
        context = error.__context__ or error.__cause__
        if not isinstance(context, OSError):
            raise
        cause = context
    if cause is not None:
        raise cause


def _put(root: Path, temporary: Path, about: Manifest) -> None:
    target = root / name_of(about.step)
    there = read_manifest(target)
    if there is not None and there.generation >= about.generation and there.job == about.job:
        return
    if target.exists():
        old = root / f".tmp-old-{target.name}-{os.getpid()}"
        shutil.rmtree(old, ignore_errors=True)
        os.rename(target, old)
        os.rename(temporary, target)
        shutil.rmtree(old, ignore_errors=True)
    else:
        os.rename(temporary, target)
    sync_directory(root)


def _point_latest(root: Path, about: Manifest, worker: str) -> None:
    there = latest(root)
    if there is not None and (there.generation, there.step) > (about.generation, about.step):
        return
    replace_file(root / "LATEST", name_of(about.step).encode() + b"\n", worker)
