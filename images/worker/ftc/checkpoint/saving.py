"""A checkpoint's files: the state by torch.save, hashed as it is written, and the manifest that says what it is."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Any, cast

import torch

from ..digest import digest
from ..packing import tensors_of
from ..state import State
from .durable import Clock, HashingFile, sync_directory, sync_file, write_file
from .manifest import File, Manifest
from .syscalls import reserve

MANIFEST, STATE = "manifest.json", "state.pt"


def save(directory: Path, state: State, about: Manifest, clock: Clock, check: Callable[[], None]) -> Manifest:
    """Returns when both files are on the disk. Raises OSError, and what `check` raises; that is asked before each write."""
    began = time.perf_counter() - clock.writing - clock.syncing
    with _digest_of(state) as found, open(directory / STATE, "wb") as file:
        reserve(file.fileno(), bytes_of(state))
        hashing = HashingFile(file, clock, check)
        with _without_crc():
            _as_os_errors(lambda: torch.save(state, cast(IO[bytes], hashing)))
        sync_file(file, clock)
    clock.making += time.perf_counter() - clock.writing - clock.syncing - began
    about = replace(
        about,
        digest=found.result(),
        created_at=datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        files={STATE: File(hashing.bytes, hashing.sha256)},
    )
    write_file(directory / MANIFEST, about.encode(), clock)
    sync_directory(directory, clock)
    return about


def bytes_of(state: State) -> int:
    """Of all tensors. A file of the state is a little larger."""
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors_of(state))


@contextlib.contextmanager
def _digest_of(state: State) -> Iterator[Future[str]]:
    """The digest is made beside what happens in the block; it is there, or what was raised for it is, after it."""
    found: Future[str] = Future()

    def find() -> None:
        try:
            found.set_result(digest(state))
        except BaseException as error:
            found.set_exception(error)

    thread = threading.Thread(target=find, name="ftc-digest", daemon=True)
    thread.start()
    try:
        yield found
    finally:
        thread.join()


@contextlib.contextmanager
def _without_crc() -> Iterator[None]:
    """The zip's own CRCs take more time than all the rest of torch.save, and the SHA-256 covers what they would."""
    serialization: Any = torch.serialization
    if not hasattr(serialization, "set_crc32_options"):
        yield
        return
    before = serialization.get_crc32_options()
    serialization.set_crc32_options(False)
    try:
        yield
    finally:
        serialization.set_crc32_options(before)


def _as_os_errors(act: Callable[[], None]) -> None:
    """Torch reports a failed write as a RuntimeError of its own; what it comes from is what people need to know."""
    cause: BaseException | None = None
    try:
        act()
    except RuntimeError as error:
        cause = error.__context__ or error.__cause__
        if cause is None:
            raise
    if cause is not None:
        raise cause
