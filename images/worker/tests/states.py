"""States drawn from a seed: every kind of value and of tensor that a state may hold, nested at random."""

from __future__ import annotations

import enum
import random
import struct
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from ftc.contents import attributes
from ftc.tensors import DTYPES, raw, strides


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 3


class Mode(str, enum.Enum):
    FAST = "fast"
    SLOW = "slow"


class Access(enum.IntFlag):
    READ = 1
    WRITE = 2


TEXTS = ["", "a", "a.b", "ü\n", "größer", "\ud800", "\ud800\udc00", "\U0001f600", '"', "0", "1", "-7", "True", "state.0"]


def number(draw: random.Random) -> int:
    """Of any size that a file has room for, with those at the borders."""
    bits = draw.choice([1, 7, 31, 62, 63, 64, 65, 127, 128, 2038])
    return draw.choice([draw.getrandbits(bits), -draw.getrandbits(bits), (1 << bits) - 1, -(1 << bits), 1 << bits])


def double(draw: random.Random) -> float:
    """Any 64 bits, NaNs of every payload among them."""
    sign, payload = draw.getrandbits(1) << 63, draw.getrandbits(52)
    bits = draw.choice([draw.getrandbits(64), sign | 0x7FF << 52, sign | 0x7FF << 52 | payload, sign])
    found: float = struct.unpack("<d", bits.to_bytes(8, "little"))[0]
    return found


def values(draw: random.Random, dtype: torch.dtype, *shape: int) -> torch.Tensor:
    """Of any bits."""
    count = torch.Size(shape).numel()
    if dtype == torch.bool:
        return torch.tensor([draw.random() < 0.5 for _ in range(count)], dtype=dtype).view(shape)
    if count == 0:
        return torch.empty(shape, dtype=dtype)
    return torch.frombuffer(bytearray(draw.randbytes(count * dtype.itemsize)), dtype=torch.uint8).view(dtype).view(shape)


LAYOUTS: dict[str, Callable[[random.Random, torch.dtype], torch.Tensor]] = {
    "0-d": lambda draw, dtype: values(draw, dtype, 1)[0],
    "empty": lambda draw, dtype: values(draw, dtype, 3, 0, 2),
    "empty, transposed": lambda draw, dtype: values(draw, dtype, 0, 4).t(),
    "rows": lambda draw, dtype: values(draw, dtype, 3, 4),
    "transposed": lambda draw, dtype: values(draw, dtype, 3, 4).t(),
    "permuted": lambda draw, dtype: values(draw, dtype, 2, 3, 4).permute(1, 2, 0),
    "channels last": lambda draw, dtype: values(draw, dtype, 2, 3, 4, 5).permute(0, 3, 1, 2),
    "channels last, one pixel": lambda draw, dtype: values(draw, dtype, 2, 1, 1, 5).permute(0, 3, 1, 2),
    "channels last 3d": lambda draw, dtype: values(draw, dtype, 2, 1, 3, 2, 4).permute(0, 4, 1, 2, 3),
    "expanded": lambda draw, dtype: values(draw, dtype, 3, 1).expand(3, 4),
    "overlapping": lambda draw, dtype: values(draw, dtype, 6).as_strided((3, 3), (1, 1)),
    "column": lambda draw, dtype: values(draw, dtype, 50, 4)[:, 1],
    "slice": lambda draw, dtype: values(draw, dtype, 50)[7:9],
    "every other, transposed": lambda draw, dtype: values(draw, dtype, 6, 8)[::2, 1::3].t(),
    "unsqueezed": lambda draw, dtype: values(draw, dtype, 6, 8)[:, 2:3],
}


def conjugate(draw: random.Random) -> torch.Tensor:
    return values(draw, draw.choice([torch.complex64, torch.complex128]), 3, 2).conj()


def negative(draw: random.Random) -> torch.Tensor:
    view: Callable[[torch.Tensor], torch.Tensor] = torch._neg_view
    return view(values(draw, torch.float32, 3, 2))


def inference(draw: random.Random) -> torch.Tensor:
    with torch.inference_mode():
        return torch.ones(3) * draw.random()


class Named(nn.Parameter):
    """A class of a script's own that changes nothing."""


named: Any = Named


SPECIAL: dict[str, Callable[[random.Random], torch.Tensor]] = {
    "conjugate": conjugate,
    "imaginary part of a conjugate": lambda draw: conjugate(draw).imag,
    "negative": negative,
    "inference": inference,
    "parameter": lambda draw: nn.Parameter(values(draw, torch.float32, 2, 3)),
    "parameter of its own class": lambda draw: named(values(draw, torch.float32, 2)),
    "not a leaf": lambda draw: torch.full((3,), draw.random(), requires_grad=True) * 2,
}


def tensor(draw: random.Random) -> torch.Tensor:
    if draw.random() < 0.2:
        return draw.choice(list(SPECIAL.values()))(draw)
    return draw.choice(list(LAYOUTS.values()))(draw, draw.choice(list(DTYPES.values())))


def leaf(draw: random.Random) -> Any:
    kinds: list[Callable[[], Any]] = [
        lambda: draw.choice([None, True, False]),
        lambda: number(draw),
        lambda: double(draw),
        lambda: draw.choice(TEXTS),
        lambda: draw.choice([np.float64(double(draw)), np.str_("ö"), Level.HIGH, Mode.FAST, Access.READ | Access.WRITE]),
        lambda: torch.Size(draw.choices(range(5), k=draw.randrange(3))),
    ]
    return tensor(draw) if draw.random() < 0.5 else draw.choice(kinds)()


def key(draw: random.Random) -> Any:
    return draw.choice([draw.choice(TEXTS), draw.choice("abcdef"), draw.randrange(-3, 12), number(draw), draw.choice([True, Mode.SLOW, Level.LOW])])


def state(draw: random.Random, depth: int = 4) -> Any:
    """A container, and what is in it."""
    count = draw.randrange(5)
    items = [state(draw, depth - 1) if depth and draw.random() < 0.4 else leaf(draw) for _ in range(count)]
    kind = draw.choice([dict, dict, OrderedDict, Counter, list, tuple])
    if kind is list or kind is tuple:
        return kind(items)
    pairs = {key(draw): item for item in items}
    if kind is OrderedDict:
        found: Any = OrderedDict(pairs)
        if draw.random() < 0.5:
            found._metadata = OrderedDict({"": {"version": 2}, "a.b": {"version": None}})
        return found
    return kind(pairs)


def bare(value: Any) -> Any:
    """The plain number or text, as bits; and its type."""
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind.__name__, struct.pack("<d", value) if kind is float else int(value) if kind is int else str.__str__(value) if kind is str else value
    return type(value).__name__, value


def outline(value: Any) -> Any:
    """All that must come back: kinds and order of containers, keys, bits, dtypes, shapes, strides."""
    if isinstance(value, torch.Tensor):
        return "tensor", value.dtype, tuple(value.shape), strides(value), bytes(raw(value))
    if isinstance(value, dict):
        return type(value).__name__, [(bare(k), outline(v)) for k, v in value.items()], outline(dict(attributes(value))) if attributes(value) else None
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [outline(item) for item in value]
    return bare(value)
