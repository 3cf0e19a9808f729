"""States and texts between members of a generation, over its process group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from .group import Group
from .packing import Packed, pack, unpack


def send(group: Group, packed: Packed, to: Sequence[int]) -> int:
    """The bytes of tensors that were sent. Raises Broken."""
    structure = torch.frombuffer(bytearray(packed.structure), dtype=torch.uint8)
    group.send(torch.tensor([structure.numel(), packed.used], dtype=torch.int64), to)
    group.send(structure, to)
    if packed.used:
        group.send(packed.payload[: packed.used], to)
    return packed.used * len(to)


def told_by(group: Group, source: int, own: Any) -> Any:
    """What rank `source` has, in all ranks. Called by all. Raises Broken."""
    if group.rank != source:
        return unpack(receive(group, source), copy=True)
    send(group, pack(own), [rank for rank in range(group.size) if rank != source])
    return own


def receive(group: Group, source: int) -> Packed:
    """Raises Broken."""
    head = torch.zeros(2, dtype=torch.int64)
    group.receive(head, source)
    text, size = head.tolist()
    structure = torch.empty(text, dtype=torch.uint8)
    payload = torch.empty(size, dtype=torch.uint8)
    group.receive(structure, source)
    if size:
        group.receive(payload, source)
    return Packed(structure.numpy().tobytes(), payload, int(size))


def table(group: Group, row: Sequence[int]) -> list[list[int]]:
    """Every rank's row of 64-bit words. Raises Broken."""
    if group.size == 1:
        return [list(row)]
    own = torch.tensor([_signed(word) for word in row], dtype=torch.int64)
    found = torch.zeros(group.size, len(row), dtype=torch.int64)
    group.wait([group.all_gather_words(found.view(-1), own)])
    rows: list[list[int]] = found.tolist()
    return rows


def _signed(word: int) -> int:
    return word - (1 << 64) if word >= 1 << 63 else word
