"""Finding the newest checkpoint that verifies. Nothing else is loaded, and what does not verify is set aside, not deleted."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..errors import FtcError
from ..state import State, clones
from .aside import set_aside
from .continues import continues
from .denied import denied
from .durable import Clock, sync_directory
from .fence import hold
from .manifest import RULES, Manifest, Position
from .publish import read_manifest
from .verify import Damaged, examine, verify

NAME = re.compile(r"step-([0-9]{8,})")


@dataclass(frozen=True)
class Expected:
    """What a checkpoint must belong to, so that going on from it gives the result of this job and no other."""

    job: str
    signature: str
    seed: int
    batch_size: int | None
    """None where the script has not handed over its data yet."""
    virtual_ranks: int
    position: Callable[[int], Position | None] = lambda step: None
    """Where the next sample is after so many steps."""


class Tell(Protocol):
    """Of a sentence for people, and of the checkpoint that it says was set aside."""

    def __call__(self, text: str, aside: int | None = None, /) -> None: ...


@dataclass(frozen=True)
class Bad:
    directory: Path
    which: int
    reason: str


def newest(
    root: Path, expected: Expected, note: Tell, above: int = -1
) -> tuple[Manifest, State] | None:
    """None where there never was one of a step higher than `above`. `note` is told of each that is set aside.

    That happens only where a valid one is found, or a valid state is held (`above` is its step). Otherwise all stays as it
    is, and this raises FtcError that names every one with its reason: starting over in silence would lose what a person might
    still save. It raises at once where one verifies but is of another seed, batch size or number of virtual ranks, and, where no state is
    held, where this user may not read one.
    """
    try:
        return _newest(root, expected, note, above)
    except PermissionError as error:
        refusal = denied(root, error)
    if above < 0:
        raise refusal
    note(f"no checkpoint above step {above} is used: {refusal}")
    return None


def _newest(
    root: Path, expected: Expected, note: Tell, above: int
) -> tuple[Manifest, State] | None:
    bad: list[Bad] = []
    found = None
    for directory in candidates(root):
        if _step_of(directory) <= above:
            break
        which = _which(directory)
        try:
            found = _read(directory, expected)
            break
        except Damaged as error:
            bad.append(Bad(directory, which, str(error)))
    if found is None and above < 0:
        _none_is_left(root, bad)
    for one in bad:
        _put_away(one, note)
    if bad:
        sync_directory(root, Clock())
    return found


def detached(state: State) -> State:
    """What an optimizer or a script may keep as it is gets memory of its own; model and buffers are copied from what is read."""
    copied = ("model", "buffers")
    return {name: part if name in copied else clones(part) for name, part in state.items()}


def candidates(root: Path) -> list[Path]:
    """Directories named like checkpoints, newest step first. Raises OSError where nobody can tell which there are."""
    try:
        names = os.listdir(root)
    except (FileNotFoundError, NotADirectoryError):
        return []
    found = [(int(match[1]), root / name) for name in names if (match := NAME.fullmatch(name))]
    return [path for _, path in sorted(found, reverse=True)]


def newest_known(root: Path, job: str) -> Manifest | None:
    """The manifest of the newest of a job, unverified, whatever LATEST says; None where there is none that can be read."""
    for directory in _seen(root):
        try:
            about = read_manifest(directory)
        except PermissionError:
            continue
        if about is not None and about.job == job and about.step == _step_of(directory):
            return about
    return None


def _seen(root: Path) -> list[Path]:
    try:
        return candidates(root)
    except OSError:
        return []


def _put_away(bad: Bad, note: Tell) -> None:
    name = bad.directory.name
    try:
        # Whoever publishes holds the lock as well: what it has put here meanwhile is another, and may be all right.
        with hold(bad.directory.parent):
            if _which(bad.directory) == bad.which:
                note(f"checkpoint {name} set aside as {set_aside(bad.directory)}: {bad.reason}", _step_of(bad.directory))
    except FileNotFoundError:
        pass  # pruned meanwhile
    except OSError as error:
        note(f"checkpoint {name} is not used, and could not be set aside ({error.strerror}): {bad.reason}", _step_of(bad.directory))


def _which(directory: Path) -> int:
    """Tells a directory from another one of the same name; 0 where there is none."""
    try:
        return os.stat(directory).st_ino
    except OSError:
        return 0


def _read(directory: Path, expected: Expected) -> tuple[Manifest, State]:
    about = examine(directory, expected.job)
    if about.signature != expected.signature:
        theirs, ours = about.signature[:12], expected.signature[:12]
        raise Damaged(f"it belongs to another run (model (names, dtypes, shapes): {theirs} there, {ours} here)")
    state = verify(directory, about)
    belongs(directory, about, expected)
    return about, state


def _none_is_left(root: Path, bad: list[Bad]) -> None:
    """Raises FtcError where there are checkpoints, or were."""
    if bad:
        each = "; ".join(f"{one.directory.name}: {one.reason}" for one in bad)
        raise FtcError(
            f"none of the checkpoints in {root} verifies, and nothing there was changed. {each}. "
            "Was it the wrong script, or the wrong name? To start over, give the job another name or remove its checkpoints."
        )
    old = sorted(path.name for path in root.glob(".bad-*")) if root.is_dir() else []
    if old:
        raise FtcError(f"none of the checkpoints in {root} verifies (set aside: {', '.join(old)}). To start over, remove them.")


def _step_of(directory: Path) -> int:
    return int(directory.name.removeprefix("step-"))


def belongs(directory: Path, about: Manifest, expected: Expected) -> None:
    """Raises FtcError where going on from it would give another result than this job's."""
    if about.rules != RULES:
        raise FtcError(
            f"the checkpoint {directory} was written by {'an earlier' if about.rules < RULES else 'a later'} version of ftc, in which samples "
            "and random numbers come in another order: going on from it would end with bits that neither version gives. Nothing was "
            "written. Finish the job with that version, give it another name, or remove its checkpoints."
        )
    pairs = [
        ("seed", about.seed, expected.seed),
        ("batch size", about.batch_size, about.batch_size if expected.batch_size is None else expected.batch_size),
        ("number of virtual ranks", about.virtual_ranks, expected.virtual_ranks),
    ]
    other = [f"{name}: {theirs} there, {ours} here" for name, theirs, ours in pairs if theirs != ours]
    if other:
        raise FtcError(
            f"the checkpoint {directory} belongs to another run ({'; '.join(other)}). Nothing was written. "
            "Give the job another name, or remove its checkpoints, or set these back."
        )
    if expected.batch_size is not None:  # else it is asked again when the data is there
        continues(about.step, about.data, expected.position(about.step))
