"""Tells where this worker's tensors lie in memory, so that `ftc chaos bitflip` can damage one from outside.

A file in the container has it. It names the process and when that started, so that no reader takes it for another's.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

PATH = Path("/tmp/ftc-memory.json")
"""images/chaos/ftc_chaos/memory.py reads it."""

VERSION = 1

_last: list[dict[str, Any]] | None = None


def publish(tensors: Sequence[tuple[str, torch.Tensor]]) -> None:
    """Writes where these tensors lie, by their registered names. Replaces what was written before; never raises.

    Tensors that are not dense and contiguous in host memory, or have no elements, are left out. A tensor whose name begins with
    `model.` counts as a parameter where it is an `nn.Parameter` (a detached view of one is none) and as a buffer otherwise.
    To call it again with the same tensors costs no more than a look at each.
    """
    global _last
    try:
        places = [place for name, tensor in tensors if (place := _place(name, tensor)) is not None]
        if places == _last:
            return
        _replace(PATH, json.dumps({"version": VERSION, "pid": os.getpid(), "started": started(os.getpid()), "tensors": places}))
        _last = places
    except Exception:
        # Training does not depend on it. An older file would lead to memory that may have another use by now.
        _last = None
        _remove(PATH)


def started(pid: int) -> int:
    """When a process began, in clock ticks since the machine did: with the pid, what no other process has."""
    # The second field is the program's name in brackets, which may have spaces and brackets in it.
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


def _place(name: str, tensor: torch.Tensor) -> dict[str, Any] | None:
    if tensor.device.type != "cpu" or tensor.layout is not torch.strided or not tensor.is_contiguous() or tensor.numel() == 0:
        return None
    try:
        address = tensor.data_ptr()
    except RuntimeError:  # it has no memory of its own, such as a functional tensor
        return None
    if address == 0:
        return None
    return {
        "name": name,
        "kind": _kind(name, tensor),
        "dtype": str(tensor.dtype).removeprefix("torch."),
        "shape": list(tensor.shape),
        "address": address,
        "bytes": tensor.numel() * tensor.element_size(),
    }


def _kind(name: str, tensor: torch.Tensor) -> str:
    if name.startswith("optimizer."):
        return "moment"
    return "parameter" if name.startswith("model.") and isinstance(tensor, torch.nn.Parameter) else "buffer"


def _replace(path: Path, text: str) -> None:
    """In one step: a reader sees the old file or the new one."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    _remove(aside)
    file = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "w") as out:
        out.write(text)
    os.replace(aside, path)


def _remove(path: Path) -> None:
    try:
        path.unlink()
    except OSError:
        pass
