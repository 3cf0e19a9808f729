"""A registered state as a list of named leaves, in one order: what replicas are compared by."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import torch

from ..digest import leaves
from .fingerprint import combine, of_tensor, of_text


@dataclass(frozen=True)
class Leaves:
    """Names and values of a state. `plain` is what is no tensor."""

    tensors: tuple[tuple[str, torch.Tensor], ...]
    plain: tuple[tuple[str, Any], ...]

    def outline(self) -> int:
        """Names, dtypes and shapes of all tensors, and the values of all else."""
        kinds = [(name, str(t.dtype), tuple(t.shape)) for name, t in self.tensors]
        return of_text(repr((kinds, [(name, kind(value)) for name, value in self.plain])).encode())

    def fingerprints(self) -> list[tuple[str, int]]:
        """One a leaf: its name, and its bits."""
        return self.tensor_fingerprints() + [(name, of_text(repr(kind(value)).encode())) for name, value in self.plain]

    def tensor_fingerprints(self) -> list[tuple[str, int]]:
        return [(name, combine([of_text(repr((str(t.dtype), tuple(t.shape))).encode()), of_tensor(t)])) for name, t in self.tensors]


def of_state(state: Any) -> Leaves:
    tensors: list[tuple[str, torch.Tensor]] = []
    plain: list[tuple[str, Any]] = []
    for name, value in leaves(state):
        if isinstance(value, torch.Tensor):
            tensors.append((name, value.detach()))
        else:
            plain.append((name, value))
    return Leaves(tuple(tensors), tuple(plain))


def identity(state: Any) -> tuple[list[tuple[int, int]], str]:
    """What tells whether a state is still made of the same tensors, in the same memory, and of the same numbers and text."""
    tensors: list[tuple[int, int]] = []
    plain: list[Any] = []

    def visit(value: Any) -> None:
        if isinstance(value, torch.Tensor):
            tensors.append((id(value), value.data_ptr()))
        elif isinstance(value, dict):
            for item in value.values():
                visit(item)
        elif isinstance(value, (list, tuple)):
            for item in value:
                visit(item)
        else:
            plain.append(value)

    visit(state)
    return tensors, repr(plain)


def kind(value: Any) -> tuple[str, str]:
    """What tells a number or a text from any other, bit by bit."""
    if isinstance(value, float):
        return "float", value.hex() if value == value else f"nan {struct.pack('>d', value).hex()}"
    if isinstance(value, bool) or value is None:
        return "constant", str(value)
    if isinstance(value, int):
        return "int", str(int(value))
    if isinstance(value, str):
        return "text", str.__str__(value)
    return type(value).__name__, repr(value)
