"""Publishing a checkpoint: written aside, made durable, renamed. Until then it does not exist, afterwards it is whole."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..state import State
from . import manifest, plain
from .aside import set_aside
from .durable import Clock, make_directory, sync_directory, write_file
from .fence import PATIENCE, hold
from .manifest import Manifest
from .saving import MANIFEST, save
from .scratch import scratch, sweep
from .syscalls import exchange
from .verify import Damaged, verify

LATEST = "LATEST"
MOST_LATEST = 4096
"""Bytes. A name and a newline are far shorter."""


@dataclass(frozen=True)
class Draft:
    """A state that nothing changes any more, and all of its manifest that is known before it is written."""

    state: State
    about: Manifest


@dataclass(frozen=True)
class Terms:
    """On which a worker publishes."""

    generation: Callable[[], int] = lambda: -1
    """The newest that this worker is a member of, when the lock is held: a draft may be older than that."""
    check: Callable[[], None] = lambda: None
    """Asked before each write; raises where the draft is of no use any more."""
    confirm: Callable[[], None] = lambda: None
    """Asked when all is written and nothing published; may wait, and raise."""
    patience: float = PATIENCE
    """Seconds for the lock."""


def name_of(step: int) -> str:
    return f"step-{step:08d}"


def publish(root: Path, draft: Draft, worker: str, terms: Terms = Terms(), clock: Clock | None = None) -> int:
    """Writes one checkpoint; returns its bytes. Raises OSError, Fenced, and what `terms` raise, with nothing left behind.

    One of this run that is there under the same step stays if it is of the same or a newer generation.
    """
    clock = clock or Clock()
    make_directory(root, clock)
    sweep(root)
    with scratch(root, draft.about.step, worker) as directory:
        written = save(directory, draft.state, draft.about, clock, terms.check)
        terms.confirm()
        with hold(root, terms.patience) as lock:
            own = max(written.generation, terms.generation())
            lock.refuse_older(own)
            lock.claim(own)
            _put(root, directory, written, clock)
            point_latest(root, written, clock)
    return sum(file.bytes for file in written.files.values())


def read_manifest(directory: Path) -> Manifest | None:
    """None where there is none, or one that says nothing. Raises PermissionError where this user may not read it."""
    try:
        return manifest.read(directory / MANIFEST)
    except PermissionError:
        raise
    except (OSError, ValueError):
        return None


def latest(root: Path) -> Manifest | None:
    """What LATEST points to, unverified; None where it points to nothing."""
    try:
        name = plain.read(root / LATEST, MOST_LATEST).decode("ascii").strip()
    except (OSError, ValueError):
        return None
    return read_manifest(root / name) if name and "/" not in name else None


def point_latest(root: Path, about: Manifest, clock: Clock) -> None:
    """Under the lock: LATEST names this checkpoint, unless it names one of the job that is further."""
    there = latest(root)
    if there is not None and there.job == about.job and there.step >= about.step:
        return
    temporary = root / f".tmp-{LATEST}"
    try:
        write_file(temporary, name_of(about.step).encode() + b"\n", clock)
        os.replace(temporary, root / LATEST)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_directory(root, clock)


def _put(root: Path, directory: Path, about: Manifest, clock: Clock) -> None:
    """Under the lock. At no moment is there neither the old nor the new."""
    target = root / name_of(about.step)
    there = read_manifest(target)
    if there is not None and _kin(there, about):
        if there.generation >= about.generation:
            return
        if exchange(directory, target):
            sync_directory(root, clock)
            return
        if _whole(target, there):
            return
    if os.path.lexists(target):
        set_aside(target)
    os.rename(directory, target)
    sync_directory(root, clock)


def _kin(one: Manifest, other: Manifest) -> bool:
    """Both are of one run: at one step they hold the same bits."""
    fields = ("job", "signature", "seed", "batch_size", "virtual_ranks", "step")
    return all(getattr(one, name) == getattr(other, name) for name in fields)


def _whole(directory: Path, about: Manifest) -> bool:
    try:
        verify(directory, about)
    except Damaged:
        return False
    return True
