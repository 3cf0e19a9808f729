"""Values that a state may not hold, and what is said of each."""

from __future__ import annotations

import argparse
import collections
import datetime
import decimal
import enum
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn


class Colour(enum.Enum):
    RED = 1


class Odd(str, enum.Enum):
    """A member is not made of its text."""

    def __new__(cls, text: str, more: int) -> Odd:
        found = str.__new__(cls, text)
        found._value_ = (text, more)
        return found

    ONE = ("one", 1)


class Seconds(float):
    def __init__(self, value: float) -> None:
        self.zone = "utc"


class Attributes(dict[str, Any]):
    pass


Point = collections.namedtuple("Point", "x y")


class Loud(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found: Any = super()
        return found.__torch_function__(func, types, args, kwargs or {})


class LoudParameter(nn.Parameter):
    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise AssertionError("nothing may be asked of it")


def fake() -> torch.Tensor:
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode():
        return torch.empty(3)


def freed() -> torch.Tensor:
    found = torch.ones(3)
    found.untyped_storage().resize_(0)
    return found


FORBIDDEN: dict[str, tuple[Callable[[], Any], str]] = {
    "float32": (lambda: np.float32(0.5), "a numpy.float32 cannot be kept in a checkpoint: convert it with float(…)"),
    "int64": (lambda: np.int64(3), "a numpy.int64 cannot be kept in a checkpoint: convert it with int(…)"),
    "npbool": (lambda: np.bool_(True), "a numpy.bool cannot be kept in a checkpoint: convert it with bool(…)"),
    "array": (lambda: np.arange(3), "a numpy.ndarray cannot be kept in a checkpoint: convert it with torch.from_numpy(…)"),
    "path": (lambda: pathlib.PurePosixPath("/a"), "PurePosixPath cannot be kept in a checkpoint: convert it with str(…)"),
    "enum": (lambda: Colour.RED, "Colour cannot be kept in a checkpoint: keep its .value"),
    "odd enum": (lambda: Odd.ONE, "Odd cannot be kept in a checkpoint: keep its .value"),
    "float with more": (lambda: Seconds(1.5), "Seconds cannot be kept in a checkpoint: convert it with float(…)"),
    "bytes": (lambda: b"abc", "a bytes cannot"),
    "bytearray": (lambda: bytearray(b"abc"), "a bytearray cannot"),
    "set": (lambda: {1, 2}, "a set cannot be kept in a checkpoint: convert it with sorted(…)"),
    "complex": (lambda: 1j, "a complex cannot"),
    "range": (lambda: range(3), "a range cannot"),
    "date": (lambda: datetime.datetime(2026, 1, 1), "a datetime.datetime cannot be kept in a checkpoint: convert it with .isoformat()"),
    "decimal": (lambda: decimal.Decimal("0.1"), "a decimal.Decimal cannot be kept in a checkpoint: convert it with str(…)"),
    "args": (lambda: argparse.Namespace(lr=0.1), "an argparse.Namespace cannot be kept in a checkpoint: convert it with vars(…)"),
    "device": (lambda: torch.device("cpu"), "a torch.device cannot"),
    "dtype": (lambda: torch.float32, "a torch.dtype cannot"),
    "function": (lambda: lambda epoch: 0.9**epoch, "a function cannot be kept in a checkpoint: keep it in the script, it is not state"),
    "object": (object, "an object cannot be kept in a checkpoint: keep it in the script, it is not state"),
    "generator": (torch.Generator, "a torch._C.Generator cannot"),
    "named tuple": (lambda: Point(1, 2), "Point cannot be kept in a checkpoint: convert it with tuple(…)"),
    "dict of its own class": (lambda: Attributes(a=1), "Attributes cannot be kept in a checkpoint: convert it with dict(…)"),
    "defaultdict": (lambda: collections.defaultdict(int), "a collections.defaultdict cannot be kept in a checkpoint: convert it with dict(…)"),
    "too large": (lambda: 1 << 2039, "an int of 2040 bits cannot be kept in a checkpoint: convert it with hex(…)"),
    "much too large": (lambda: -(1 << 20000), "an int of 20001 bits cannot be kept in a checkpoint: convert it with hex(…)"),
    "sparse": (lambda: torch.eye(3).to_sparse(), "a tensor of torch.float32 with the layout sparse_coo cannot"),
    "sparse, 0-d": (lambda: torch.tensor(1.0).to_sparse(), "a tensor of torch.float32 with the layout sparse_coo cannot"),
    "sparse rows": (lambda: torch.eye(3).to_sparse_csr(), "a tensor of torch.float32 with the layout sparse_csr cannot"),
    "quantized": (lambda: torch.quantize_per_tensor(torch.eye(3), 1.0, 0, torch.quint8), "a tensor of torch.quint8 cannot"),
    "few bits": (lambda: torch.empty(3, dtype=getattr(torch, "uint1")), "a tensor of torch.uint1 cannot"),
    "meta": (lambda: torch.empty(3, device="meta"), "a tensor of torch.float32 on the meta device cannot"),
    "nested": (lambda: torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]), "a nested tensor of torch.float32 cannot"),
    "jagged": (lambda: torch.nested.nested_tensor([torch.ones(2)], layout=torch.jagged), "NestedTensor cannot"),
    "mkldnn": (lambda: torch.eye(3).to_mkldnn(), "a tensor of torch.float32 with the layout mkldnn cannot"),
    "lazy": (nn.UninitializedParameter, "an UninitializedParameter cannot be kept in a checkpoint: it has no shape yet"),
    "lazy buffer": (nn.UninitializedBuffer, "an UninitializedBuffer cannot be kept in a checkpoint: it has no shape yet"),
    "fake": (fake, "FakeTensor cannot"),
    "of its own class": (lambda: torch.ones(2).as_subclass(Loud), "Loud cannot"),
    "parameter of its own class": (lambda: LoudParameter(torch.ones(2)), "LoudParameter cannot"),
}
