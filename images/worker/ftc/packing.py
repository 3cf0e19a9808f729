"""A state (nested dicts, lists, tuples, numbers, text, tensors) as a JSON structure and one run of raw bytes.

Used to send state to a peer and to copy it aside for a checkpoint. Without pickle: nothing that is received runs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import torch

from .errors import UsageError

ALIGN = 64
"""Bytes: each tensor starts at a multiple, so that a view of it is as good as its own memory."""


@dataclass
class Packed:
    """`structure` is JSON; `payload` uint8 of shape (bytes,), in host memory, possibly longer than what is used."""

    structure: bytes
    payload: torch.Tensor


def pack(state: Any, reuse: torch.Tensor | None = None) -> Packed:
    """Copies a state. `reuse` is an earlier payload to write into where it is large enough. Raises UsageError."""
    tensors: list[tuple[int, torch.Tensor]] = []
    end = 0

    def describe(value: Any, path: str) -> Any:
        nonlocal end
        if isinstance(value, torch.Tensor):
            tensor = value.detach()
            start = -(-end // ALIGN) * ALIGN
            end = start + tensor.numel() * tensor.element_size()
            tensors.append((start, tensor))
            return {"t": [str(tensor.dtype).removeprefix("torch."), list(tensor.shape), start]}
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        if isinstance(value, dict):
            for key in value:
                if not isinstance(key, (str, int)):
                    raise UsageError(f"{path}: keys of {type(key).__name__} cannot be kept in a checkpoint")
            return {"d": [[key, describe(item, f"{path}.{key}")] for key, item in value.items()]}
        if isinstance(value, (list, tuple)):
            items = [describe(item, f"{path}.{i}") for i, item in enumerate(value)]
            return items if isinstance(value, list) else {"u": items}
        raise UsageError(f"{path}: a {type(value).__name__} cannot be kept in a checkpoint")

    structure = json.dumps(describe(state, "state")).encode()
    payload = reuse if reuse is not None and reuse.numel() >= end else torch.empty(end, dtype=torch.uint8)
    for start, tensor in tensors:
        _bytes(payload, start, tensor.dtype, tensor.shape).copy_(tensor)
    return Packed(structure, payload)


def unpack(packed: Packed, *, copy: bool) -> Any:
    """The state again. Without `copy` its tensors are views of the payload."""

    def own(start: int, dtype: torch.dtype, shape: torch.Size) -> torch.Tensor:
        """A view with a storage of its own: torch.save writes storages whole, and each of one dtype."""
        part = torch.from_numpy(memory[start : start + _size(dtype, shape)])
        return part.view(dtype).view(shape)

    memory = packed.payload.numpy()

    def build(value: Any) -> Any:
        if isinstance(value, list):
            return [build(item) for item in value]
        if not isinstance(value, dict):
            return value
        if "u" in value:
            return tuple(build(item) for item in value["u"])
        if "d" in value:
            return {key: build(item) for key, item in value["d"]}
        name, shape, start = value["t"]
        view = own(start, getattr(torch, name), torch.Size(shape))
        return view.clone() if copy else view

    return build(json.loads(packed.structure))


def _bytes(payload: torch.Tensor, start: int, dtype: torch.dtype, shape: torch.Size) -> torch.Tensor:
    return payload[start : start + _size(dtype, shape)].view(dtype).view(shape)


def _size(dtype: torch.dtype, shape: torch.Size) -> int:
    return shape.numel() * dtype.itemsize
