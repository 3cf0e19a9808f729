"""The digest of a state: SHA-256 over its leaves, sorted by name; equal exactly where two states have the same bits.

A leaf's name is its path, joined by dots. Each leaf adds one line of JSON, `[name, dtype, shape]` without spaces, a newline,
and its raw bytes: tensors row by row, little-endian; numbers as float64, int64 or bool (one byte) of shape []; integers beyond
64 bits as two's complement, little-endian, of dtype "int" and their length in bytes as shape; text as UTF-8 of dtype "str" and
its length in bytes as shape; None as "none" without bytes. Where leaves share a name, as those of 1 and "1" do, the list of keys
stands for it. Independent of how a file was pickled.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import torch

from .contents import DICTS, SEQUENCES, Unkept, fits, naming, plain, plain_key
from .tensors import NAMES, raw, usable

Leaf = tuple[str, Any]


def leaves(state: Any, name: str = "") -> Iterator[Leaf]:
    """Everything that is no container, in the state's own order."""
    kind = type(state)
    if kind in DICTS:
        items: Any = state.items()
    elif kind in SEQUENCES:
        items = enumerate(state)
    else:
        yield name, state
        return
    for key, value in items:
        own = key if type(key) is str else str(plain_key(key))
        yield from leaves(value, f"{name}.{own}" if name else own)


def digest(state: Any) -> str:
    """64 hexadecimal digits. Raises UsageError for what a state cannot hold."""
    sha = hashlib.sha256()
    with naming(state):
        for name, leaf in _in_order(state):
            dtype, shape, data = _raw(leaf)
            sha.update(_head(name, dtype, shape))
            sha.update(data)
    return sha.hexdigest()


def signature(state: Any) -> str:
    """What tells one model from another: names, dtypes and shapes without the values. 64 hexadecimal digits."""
    sha = hashlib.sha256()
    with naming(state):
        for name, leaf in _in_order(state):
            if isinstance(leaf, torch.Tensor):
                sha.update(_head(name, NAMES[leaf.dtype], list(leaf.shape)))
    return sha.hexdigest()


def _in_order(state: Any) -> Iterator[tuple[str | list[Any], Any]]:
    """Leaves by name; by the list of their keys where several have one name."""
    named = sorted(leaves(state), key=lambda item: _utf8(item[0]))
    if all(one[0] != other[0] for one, other in zip(named, named[1:])):
        yield from named
        return
    keyed = [(".".join(map(str, keys)), keys, leaf) for keys, leaf in _keyed(state, [])]
    keyed.sort(key=lambda item: (_utf8(item[0]), _json(item[1])))
    for name, group in groupby(keyed, key=lambda item: item[0]):
        alike = list(group)
        yield from ((name if len(alike) == 1 else keys, leaf) for _, keys, leaf in alike)


def _keyed(state: Any, keys: list[Any]) -> Iterator[tuple[list[Any], Any]]:
    kind = type(state)
    if kind in DICTS or kind in SEQUENCES:
        for key, value in state.items() if kind in DICTS else enumerate(state):
            yield from _keyed(value, [*keys, plain_key(key)])
    else:
        yield keys, state


def _head(name: str | list[Any], dtype: str, shape: list[int]) -> bytes:
    return _json([name, dtype, shape]) + b"\n"


def _json(value: Any) -> bytes:
    return _utf8(json.dumps(value, separators=(",", ":"), ensure_ascii=False))


def _utf8(text: str) -> bytes:
    """Of any text: names of files may hold what is half a character."""
    return text.encode("utf-8", "surrogatepass")


def _raw(leaf: Any) -> tuple[str, list[int], Any]:
    if isinstance(leaf, torch.Tensor):
        if not usable(leaf):
            raise Unkept
        return NAMES[leaf.dtype], list(leaf.shape), raw(leaf)
    value = plain(leaf)
    if value is None:
        return "none", [], b""
    if isinstance(value, bool):
        return "bool", [], bytes([value])
    if isinstance(value, int):
        if -(1 << 63) <= value < 1 << 63:
            return "int64", [], struct.pack("<q", value)
        if not fits(value):
            raise Unkept
        size = value.bit_length() // 8 + 1
        return "int", [size], value.to_bytes(size, "little", signed=True)
    if isinstance(value, float):
        return "float64", [], struct.pack("<d", value)
    text = _utf8(value)
    return "str", [len(text)], text
