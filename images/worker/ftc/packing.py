"""A state (nested dicts, lists, tuples, numbers, text, tensors) as a JSON structure and one run of raw bytes.

Used to send state to a peer and to copy it aside for a checkpoint. Without pickle: nothing that is received runs.
Tensors that the receiver has already can be left out: both sides number them in the state's own order.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from .errors import UsageError

ALIGN = 64
"""Bytes: each tensor starts at a multiple, so that a view of it is as good as its own memory."""

LEFT_OUT = -1
"""Where a tensor starts that was left out."""

FINGERPRINT = 16
"""Bytes of each."""


@dataclass
class Packed:
    """`structure` is JSON; `payload` uint8 of shape (bytes,), in host memory, possibly longer than what is `used`."""

    structure: bytes
    payload: torch.Tensor
    used: int


def pack(state: Any, reuse: torch.Tensor | None = None, only: Sequence[bool] | None = None) -> Packed:
    """Copies a state. `reuse` is an earlier payload to write into where it is large enough; `only` tells for each tensor
    whether it goes with. Raises UsageError."""
    tensors: list[tuple[int, torch.Tensor]] = []
    count = end = 0

    def describe(value: Any, path: str) -> Any:
        nonlocal count, end
        if isinstance(value, torch.Tensor):
            tensor = value.detach()
            start = LEFT_OUT
            if only is None or only[count]:
                start = -(-end // ALIGN) * ALIGN
                end = start + tensor.numel() * tensor.element_size()
                tensors.append((start, tensor))
            count += 1
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
    return Packed(structure, payload, end)


def unpack(packed: Packed, *, copy: bool, have: Sequence[torch.Tensor] = ()) -> Any:
    """The state again. Without `copy` its tensors are views of the payload. `have`: by number, for those left out.

    Raises ValueError where one that was left out is not there, or is another.
    """
    memory = packed.payload.numpy()
    count = 0

    def own(start: int, dtype: torch.dtype, shape: torch.Size) -> torch.Tensor:
        """A view with a storage of its own: torch.save writes storages whole, and each of one dtype."""
        nonlocal count
        count += 1
        if start == LEFT_OUT:
            there = have[count - 1] if count <= len(have) else None
            if there is None or there.dtype != dtype or there.shape != shape:
                raise ValueError(f"tensor {count - 1} was left out and is not here")
            return there.detach()
        part = torch.from_numpy(memory[start : start + _size(dtype, shape)])
        return part.view(dtype).view(shape)

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


def tensors_of(state: Any) -> Iterator[torch.Tensor]:
    """In the order in which `pack` numbers them."""
    if isinstance(state, torch.Tensor):
        yield state
    elif isinstance(state, (dict, list, tuple)):
        for item in state.values() if isinstance(state, dict) else state:
            yield from tensors_of(item)


def fingerprints(state: Any) -> torch.Tensor:
    """What tells a tensor from any other: uint8 of shape (tensors, FINGERPRINT), the SHA-256 of dtype, shape and bytes, cut."""
    found = bytearray()
    for tensor in tensors_of(state):
        host = tensor.detach().cpu().contiguous().reshape(-1)
        sha = hashlib.sha256(f"{tensor.dtype} {list(tensor.shape)}\n".encode())
        sha.update(memoryview(host.view(torch.uint8).numpy().data))
        found += sha.digest()[:FINGERPRINT]
    return torch.frombuffer(found, dtype=torch.uint8).view(-1, FINGERPRINT) if found else torch.empty(0, FINGERPRINT, dtype=torch.uint8)


def differing(own: torch.Tensor, other: torch.Tensor) -> list[bool] | None:
    """For each tensor, by fingerprints, whether the other side lacks it. None where the two do not count alike."""
    if own.shape != other.shape:
        return None
    found: list[bool] = (own != other).any(dim=1).tolist()
    return found


def _bytes(payload: torch.Tensor, start: int, dtype: torch.dtype, shape: torch.Size) -> torch.Tensor:
    return payload[start : start + _size(dtype, shape)].view(dtype).view(shape)


def _size(dtype: torch.dtype, shape: torch.Size) -> int:
    return shape.numel() * dtype.itemsize
