"""The digest of a state: SHA-256 over its leaves, sorted by name; equal exactly where two states have the same bits.

A leaf's name is its path, joined by dots. Each leaf adds one line of JSON, `[name, dtype, shape]` without spaces, a newline,
and its raw bytes: tensors row by row, little-endian; numbers as float64, int64 or bool (one byte) of shape []; text as UTF-8
of dtype "str" and its length in bytes as shape; None as "none" without bytes. Independent of how a file was pickled.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterator
from typing import Any

import torch

Leaf = tuple[str, Any]


def leaves(state: Any, name: str = "") -> Iterator[Leaf]:
    """Everything that is no container, in the state's own order."""
    if isinstance(state, dict):
        items: Any = state.items()
    elif isinstance(state, (list, tuple)):
        items = enumerate(state)
    else:
        yield name, state
        return
    for key, value in items:
        yield from leaves(value, f"{name}.{key}" if name else str(key))


def digest(state: Any) -> str:
    """64 hexadecimal digits."""
    sha = hashlib.sha256()
    for name, leaf in sorted(leaves(state), key=lambda item: item[0].encode()):
        dtype, shape, raw = _raw(leaf)
        sha.update(_head(name, dtype, shape))
        sha.update(raw)
    return sha.hexdigest()


def signature(state: Any) -> str:
    """What tells one model from another: names, dtypes and shapes without the values. 64 hexadecimal digits."""
    sha = hashlib.sha256()
    for name, leaf in sorted(leaves(state), key=lambda item: item[0].encode()):
        if isinstance(leaf, torch.Tensor):
            sha.update(_head(name, _dtype(leaf), list(leaf.shape)))
    return sha.hexdigest()


def _head(name: str, dtype: str, shape: list[int]) -> bytes:
    return json.dumps([name, dtype, shape], separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _dtype(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _raw(leaf: Any) -> tuple[str, list[int], Any]:
    if isinstance(leaf, torch.Tensor):
        host = leaf.detach().cpu().contiguous().reshape(-1)
        return _dtype(leaf), list(leaf.shape), memoryview(host.view(torch.uint8).numpy().data)
    if leaf is None:
        return "none", [], b""
    if isinstance(leaf, bool):
        return "bool", [], bytes([leaf])
    if isinstance(leaf, int):
        return "int64", [], struct.pack("<q", leaf)
    if isinstance(leaf, float):
        return "float64", [], struct.pack("<d", leaf)
    text = str(leaf).encode()
    return "str", [len(text)], text
