"""A state (see contents.py for what it may hold) as a JSON structure and one run of raw bytes.

Used to send state to a peer and to copy it aside for a checkpoint. Without pickle: nothing that is received runs.
Tensors that the receiver has already can be left out: both sides number them in the state's own order.

In the structure None, bool, int, float and text stand for themselves, and a list for a list. All else is an object of one key:
`d`, `o` and `c` a dict, OrderedDict and Counter as pairs (`a` beside `o`: its attributes); `u` and `s` a tuple and a torch.Size;
`n` the bits of a NaN; `t` a tensor as dtype, shape, where it starts, and strides where it does not lie row by row.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections import Counter, OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from .contents import PLAIN, Unkept, attributes, dict_of, fits, naming, plain, plain_key
from .tensors import DTYPES, NAMES, raw, rows, strides, usable

ALIGN = 64
"""Bytes: each tensor starts at a multiple, so that a view of it is as good as its own memory."""

LEFT_OUT = -1
"""Where a tensor starts that was left out."""

FINGERPRINT = 16
"""Bytes of each."""

PAIRS: dict[type, str] = {dict: "d", OrderedDict: "o", Counter: "c"}
ITEMS: dict[type, str] = {tuple: "u", torch.Size: "s"}


@dataclass
class Packed:
    """`structure` is JSON; `payload` uint8 of shape (bytes,), in host memory, possibly longer than what is `used`."""

    structure: bytes
    payload: torch.Tensor
    used: int


def pack(state: Any, reuse: torch.Tensor | None = None, only: Sequence[bool] | None = None) -> Packed:
    """Copies a state. `reuse` is an earlier payload to write into where it is large enough; `only` tells for each tensor
    whether it goes with. Raises UsageError."""
    with naming(state):
        draft = _Draft(only)
        text = json.dumps(draft.describe(state), ensure_ascii=False)
        payload = reuse if reuse is not None and reuse.numel() >= draft.end else torch.empty(draft.end, dtype=torch.uint8)
        for start, tensor, steps in draft.tensors:
            part = payload[start : start + _size(tensor.dtype, tensor.shape)].view(tensor.dtype)
            (part.view(tensor.shape) if steps is None else part.as_strided(tensor.shape, steps)).copy_(tensor)
        return Packed(text.encode("utf-8", "surrogatepass"), payload, draft.end)


class _Draft:
    """A structure in the making, and the tensors that go with it: where each starts, and its strides if not row by row."""

    def __init__(self, only: Sequence[bool] | None) -> None:
        self.tensors: list[tuple[int, torch.Tensor, tuple[int, ...] | None]] = []
        self.end = 0
        self._only = only
        self._count = 0

    def describe(self, value: Any) -> Any:
        kind = type(value)
        if kind is float:
            return value if value == value else {"n": struct.pack("<d", value).hex()}
        if kind in PLAIN:
            if kind is int and not fits(value):
                raise Unkept
            return value
        if isinstance(value, torch.Tensor):
            return {"t": self._tensor(value)}
        if kind is list:
            return list(map(self.describe, value))
        if kind in PAIRS:
            found: dict[str, Any] = {PAIRS[kind]: [[plain_key(key), self.describe(item)] for key, item in value.items()]}
            if more := attributes(value):
                found["a"] = {name: self.describe(item) for name, item in more.items()}
            return found
        if kind in ITEMS:
            return {ITEMS[kind]: list(map(self.describe, value))}
        return self.describe(plain(value))

    def _tensor(self, tensor: torch.Tensor) -> list[Any]:
        if not usable(tensor):
            raise Unkept
        own = strides(tensor)
        steps = None if own == rows(tensor.shape) else own
        start = LEFT_OUT
        if self._only is None or self._only[self._count]:
            start = -(-self.end // ALIGN) * ALIGN
            self.end = start + tensor.numel() * tensor.element_size()
            self.tensors.append((start, tensor.detach(), steps))
        self._count += 1
        return [NAMES[tensor.dtype], list(tensor.shape), start, *([] if steps is None else [list(steps)])]


def unpack(packed: Packed, *, copy: bool, have: Sequence[torch.Tensor] = ()) -> Any:
    """The state again. Without `copy` its tensors are views of the payload. `have`: by number, for those left out.

    Raises ValueError where one that was left out is not there, or is another.
    """
    memory = packed.payload.numpy()
    count = 0

    def own(start: int, dtype: torch.dtype, shape: torch.Size, steps: Sequence[int] | None) -> torch.Tensor:
        """A view with a storage of its own: torch.save writes storages whole, and each of one dtype."""
        nonlocal count
        count += 1
        if start == LEFT_OUT:
            there = have[count - 1] if count <= len(have) else None
            if there is None or there.dtype != dtype or there.shape != shape:
                raise ValueError(f"tensor {count - 1} was left out and is not here")
            return there.detach()
        if shape.numel() == 0:
            return torch.empty_strided(shape, rows(shape) if steps is None else steps, dtype=dtype)
        part = torch.from_numpy(memory[start : start + _size(dtype, shape)]).view(dtype)
        return part.view(shape) if steps is None else part.as_strided(shape, steps)

    def build(value: Any) -> Any:
        if isinstance(value, list):
            return [build(item) for item in value]
        if not isinstance(value, dict):
            return value
        if "d" in value:
            return {key: build(item) for key, item in value["d"]}
        if "t" in value:
            name, shape, start, *steps = value["t"]
            view = own(start, DTYPES[name], torch.Size(shape), *(steps or [None]))
            return view.clone() if copy else view
        if "u" in value:
            return tuple(build(item) for item in value["u"])
        if "s" in value:
            return torch.Size(value["s"])
        if "n" in value:
            return struct.unpack("<d", bytes.fromhex(value["n"]))[0]
        kind, items = (OrderedDict, value["o"]) if "o" in value else (Counter, value["c"])
        more = {name: build(item) for name, item in value.get("a", {}).items()}
        return dict_of(kind, [(key, build(item)) for key, item in items], more)

    return build(json.loads(packed.structure))


def tensors_of(state: Any) -> Iterator[torch.Tensor]:
    """In the order in which `pack` numbers them."""
    if isinstance(state, torch.Tensor):
        yield state
    elif isinstance(state, (dict, list, tuple)):
        for item in state.values() if isinstance(state, dict) else state:
            yield from tensors_of(item)


def fingerprints(state: Any) -> torch.Tensor:
    """What tells a tensor from any other: uint8 of shape (tensors, FINGERPRINT), the SHA-256 of dtype, shape and bytes, cut.

    And of its strides in a copy, where it does not lie row by row. Raises UsageError.
    """
    found = bytearray()
    with naming(state):
        for tensor in tensors_of(state):
            if not usable(tensor):
                raise Unkept
            steps = strides(tensor)
            lies = "" if steps == rows(tensor.shape) else f" {list(steps)}"
            sha = hashlib.sha256(f"{tensor.dtype} {list(tensor.shape)}{lies}\n".encode())
            sha.update(raw(tensor))
            found += sha.digest()[:FINGERPRINT]
    return torch.frombuffer(found, dtype=torch.uint8).view(-1, FINGERPRINT) if found else torch.empty(0, FINGERPRINT, dtype=torch.uint8)


def differing(own: torch.Tensor, other: torch.Tensor) -> list[bool] | None:
    """For each tensor, by fingerprints, whether the other side lacks it. None where the two do not count alike."""
    if own.shape != other.shape:
        return None
    found: list[bool] = (own != other).any(dim=1).tolist()
    return found


def _size(dtype: torch.dtype, shape: torch.Size) -> int:
    return shape.numel() * dtype.itemsize
