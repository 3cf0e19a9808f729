"""64 bits that tell a run of bytes from any other: every bit counts, and where it stands.

A word of 64 bits x is mixed to x ^ (x >> 29), so that its high bits reach low ones, multiplied by an odd number that belongs to its
place, and summed modulo 2^64 (a multilinear hash, as in Lemire and Kaser, "Strongly universal string hashing is fast", 2014). One
flipped bit always shows; two words that change places, or any other change, go unnoticed with a probability of about 2^-35 or less.
Written in torch's integer operations, it runs where the tensors are, at memory speed.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable

import torch

CHUNK = 1 << 15
"""Words that are summed in one operation: they stay in the cache meanwhile."""
MASK = (1 << 64) - 1
LOW = (1 << 35) - 1
PRIME = 0x9E3779B97F4A7C15
"""Odd: 2^64 divided by the golden ratio, as splitmix64 has it."""


class _Tables(threading.local):
    """Each thread has its own memory to mix in: torch lets others run meanwhile."""

    def __init__(self) -> None:
        self.by_device: dict[torch.device, tuple[torch.Tensor, torch.Tensor]] = {}


_tables = _Tables()


def of_words(words: torch.Tensor) -> int:
    """Of int64 of shape (n,), contiguous."""
    weights, room = _table(words.device)
    sums: list[torch.Tensor] = []
    for part in torch.split(words, CHUNK):
        mixed = torch.bitwise_right_shift(part, 29, out=room[: part.numel()])
        mixed.bitwise_and_(LOW).bitwise_xor_(part)
        sums.append(torch.dot(mixed, weights[: part.numel()]))
    found = [int(one) for one in sums] if words.device.type == "cpu" else torch.stack(sums).tolist() if sums else []
    return combine(found)


def combine(parts: Iterable[int]) -> int:
    """Of several fingerprints, one that depends on their order."""
    value = 0
    for part in parts:
        value = ((value ^ (part & MASK)) * PRIME + 1) & MASK
        value ^= value >> 32
    return value


def of_text(text: bytes) -> int:
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "little")


def of_tensor(tensor: torch.Tensor) -> int:
    """Of a tensor's bytes, row by row, whatever its strides."""
    return of_bytes(row_major(tensor))


def row_major(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor's bytes, row by row: uint8; a view where the tensor lies so in memory."""
    return tensor.detach().resolve_conj().resolve_neg().contiguous().reshape(-1).view(torch.uint8)


def of_bytes(flat: torch.Tensor) -> int:
    """Of uint8 of shape (n,), wherever it begins."""
    whole = flat.numel() // 8 * 8
    aligned = flat[:whole] if flat.data_ptr() % 8 == 0 else flat[:whole].clone()
    parts = [of_words(aligned.view(torch.int64))] if whole else []
    if whole < flat.numel():
        rest = torch.zeros(8, dtype=torch.uint8, device=flat.device)
        rest[: flat.numel() - whole] = flat[whole:]
        parts.append(of_words(rest.view(torch.int64)))
    return combine(parts)


def _table(device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """The odd numbers by place, and memory to mix in."""
    tables = _tables.by_device
    if device not in tables:
        draw = torch.Generator().manual_seed(PRIME >> 1)
        weights = torch.randint(-(2**63), 2**63 - 1, (CHUNK,), generator=draw, dtype=torch.int64) | 1
        tables[device] = (weights.to(device), torch.empty(CHUNK, dtype=torch.int64, device=device))
    return tables[device]
