"""Reading a checkpoint: nothing is loaded that does not verify, and what was verified is what is loaded.

The state goes into memory that has a file's name but is no file (memfd) and is hashed on its way there; torch maps it from
there. So there is one copy of the state in memory besides the one that the script's objects take from it.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import queue
import threading
import zipfile
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import Any

import torch

from ..packing import tensors_of
from ..state import State
from . import manifest, plain
from .manifest import File, Manifest
from .room import free_memory
from .saving import MANIFEST, STATE

CHUNK = 1 << 22
"""Bytes read at once."""
AHEAD = 4
"""Chunks in memory that are not hashed yet, at most."""
OURS = (errno.ENOMEM, errno.ENOSPC, errno.EMFILE, errno.ENFILE, errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN, errno.EACCES, errno.EPERM)
"""What this process lacks or may not do, or a disk on the network just now, says nothing about a checkpoint."""


class Damaged(Exception):
    """A checkpoint does not verify. The text is the reason."""


def examine(directory: Path, job: str) -> Manifest:
    """Its manifest, where that is a valid one, of this job and this step. Raises Damaged."""
    with _reasons():
        about = manifest.read(directory / MANIFEST)
        if about.job != job:
            raise Damaged(f"it belongs to the job {about.job!r}")
        if f"step-{about.step:08d}" != directory.name:
            raise Damaged(f"its manifest is of step {about.step}")
        return about


def verify(directory: Path, about: Manifest) -> State:
    """Reads all files of a checkpoint and hashes them. Its state: tensors are views of one mapping. Raises Damaged."""
    with _reasons(), contextlib.ExitStack() as stack:
        memory = None
        for name, file in about.files.items():
            fd = os.memfd_create("ftc-checkpoint") if name == STATE else None
            if fd is not None:
                stack.callback(os.close, fd)
                memory = fd
            _read(directory / name, file, fd)
        assert memory is not None
        return _load(memory)


def _read(path: Path, expected: File, into: int | None) -> None:
    with open(path, "rb", buffering=0, opener=plain.itself) as file:
        there = os.fstat(file.fileno())
        if there.st_size != expected.bytes:
            raise Damaged(f"{path.name} has {there.st_size} bytes instead of {expected.bytes}")
        if into is not None and _is_doubtful(there):
            _hash(file, expected, None)
            file.seek(0)
        _hash(file, expected, into)


def _is_doubtful(there: os.stat_result) -> bool:
    """It takes more memory than there is, or has bytes that nobody wrote: it is hashed before memory is taken for it."""
    free = free_memory()
    return there.st_blocks * 512 < there.st_size // 2 or (free is not None and there.st_size > free)


def _hash(file: FileIO, expected: File, into: int | None) -> None:
    """Reads it, no further than it should go. Raises Damaged."""
    with _Hasher() as hasher:
        for chunk in hasher.buffers():
            count = file.readinto(chunk)
            if not count:
                break
            if into is not None:
                _write(into, memoryview(chunk)[:count])
            hasher.take(chunk, count)
            if hasher.bytes > expected.bytes:
                break
    if (hasher.bytes, hasher.sha256) != (expected.bytes, expected.sha256):
        raise Damaged(f"{Path(str(file.name)).name} does not have the SHA-256 of its manifest")


class _Hasher:
    """SHA-256 in a thread of its own, behind whoever reads."""

    def __init__(self) -> None:
        self._free: queue.SimpleQueue[bytearray] = queue.SimpleQueue()
        self._full: queue.SimpleQueue[tuple[bytearray, int] | None] = queue.SimpleQueue()
        self._sha = hashlib.sha256()
        self._thread = threading.Thread(target=self._run, name="ftc-hash", daemon=True)
        self.bytes = 0
        for _ in range(AHEAD):
            self._free.put(bytearray(CHUNK))

    def __enter__(self) -> _Hasher:
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._full.put(None)
        self._thread.join()

    def buffers(self) -> Iterator[bytearray]:
        """One to read into, again and again."""
        while True:
            yield self._free.get()

    def take(self, chunk: bytearray, count: int) -> None:
        self.bytes += count
        self._full.put((chunk, count))

    @property
    def sha256(self) -> str:
        return self._sha.hexdigest()

    def _run(self) -> None:
        while (item := self._full.get()) is not None:
            chunk, count = item
            self._sha.update(memoryview(chunk)[:count])
            self._free.put(chunk)


def _write(fd: int, data: memoryview) -> None:
    while data:
        data = data[os.write(fd, data) :]


def _load(memory: int) -> State:
    """Whatever torch says of bytes that are not a state is a reason."""
    reason = "it holds no state of a job"
    path = f"/proc/self/fd/{memory}"
    try:
        with zipfile.ZipFile(path) as archive:
            if any(item.compress_type != zipfile.ZIP_STORED for item in archive.infolist()):
                raise ValueError("it is compressed, and may grow to any size")
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        if isinstance(state, dict) and isinstance(state.get("model"), dict) and "optimizer" in state:
            if not all(_is_all_there(tensor) for tensor in tensors_of(state)):
                raise ValueError("a tensor claims more values than there are in the file")
            return state
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
    raise Damaged(f"{STATE} cannot be loaded: {reason}")


def _is_all_there(tensor: torch.Tensor) -> bool:
    """Each of its values has bytes of its own: none is sparse, on no device at all, or the same bytes seen many times."""
    if tensor.layout is not torch.strided or tensor.device.type != "cpu":
        return False
    return tensor.numel() * tensor.element_size() <= tensor.untyped_storage().nbytes()


@contextlib.contextmanager
def _reasons() -> Iterator[None]:
    """What can be wrong with files, as one kind of error."""
    try:
        yield
    except FileNotFoundError as error:
        raise Damaged(f"{Path(error.filename).name} is missing") from None
    except plain.NotPlain as error:
        raise Damaged(f"it cannot be read: {error.strerror}") from None
    except OSError as error:
        if error.errno in OURS:
            raise
        raise Damaged(f"it cannot be read: {error}") from None
    except ValueError as error:
        raise Damaged(str(error)) from None
