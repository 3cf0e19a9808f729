"""The words that travel with every step's reduction, one row a worker.

Through them all ranks learn the same things at the same step: that a generation waits at the boundary, who leaves, whether
this attempt counts, whether the replicas are still alike, and every virtual rank's loss.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch

HEAD = struct.Struct("<qqQQQQQQ")

VOID = 1
"""This attempt must be made again, by all: something was found in it that has to be known from its beginning."""
FINISH = 2
"""The script has called `job.finish`: this worker has computed nothing."""
SAVING = 4
"""A checkpoint of the state before this step waits for the word that all replicas agree."""
WEIGHED = 8
"""The script gives its losses weights of its own."""


@dataclass(frozen=True)
class Row:
    """What one worker says.

    `leave`: 0 stays, 1 leaves, 2 wants the whole job to stop. `layout`: of the parameters that it wants to reduce. `buffers`: of what
    slice 0 has left of the buffers. `check`: a fingerprint of a part of the state. `modes`: of what else forward depends on. `witness`: of what
    came out of the first slice, 0 where this worker did not look. All five have 64 bits. `losses` and `weights` are by virtual rank, of the slices carried here.
    """

    newest_generation: int
    leave: int
    flags: int
    layout: int
    buffers: int
    check: int
    losses: Mapping[int, float] = field(default_factory=dict)
    weights: Mapping[int, float] = field(default_factory=dict)
    modes: int = 0
    witness: int = 0

    def encode(self, virtual: int) -> torch.Tensor:
        """uint8 of shape (row_bytes(virtual),)."""
        told = bytearray(row_bytes(virtual))
        HEAD.pack_into(told, 0, self.newest_generation, self.leave, self.flags, self.layout, self.buffers, self.check, self.modes, self.witness)
        numbers = [self.losses.get(v, 0.0) for v in range(virtual)] + [self.weights.get(v, 0.0) for v in range(virtual)]
        struct.pack_into(f"<{2 * virtual}d", told, HEAD.size, *numbers)
        return torch.frombuffer(told, dtype=torch.uint8)


def row_bytes(virtual: int) -> int:
    return HEAD.size + 16 * virtual


def decode(told: torch.Tensor, virtual: int) -> Row:
    """From uint8 in host memory."""
    raw = told.numpy().tobytes()
    numbers = struct.unpack_from(f"<{2 * virtual}d", raw, HEAD.size)
    losses, weights = dict(enumerate(numbers[:virtual])), dict(enumerate(numbers[virtual:]))
    newest, leave, flags, layout, buffers, check, modes, witness = HEAD.unpack_from(raw)
    return Row(newest, leave, flags, layout, buffers, check, losses, weights, modes, witness)


@dataclass(frozen=True)
class Agreed:
    """What all ranks know after a reduction. `rows` by rank. `loss` is the mean over the whole batch; `weight` what the sums of
    gradients are to be divided by."""

    rows: tuple[Row, ...]
    loss: float
    weight: float

    @property
    def newest_generation(self) -> int:
        return max(row.newest_generation for row in self.rows)

    @property
    def leave(self) -> tuple[int, ...]:
        return tuple(row.leave for row in self.rows)

    @property
    def all_leave(self) -> bool:
        return 2 in self.leave or all(self.leave)

    @property
    def alike(self) -> bool:
        """All say the same of the state before the step."""
        return len({row.check for row in self.rows}) == 1

    @property
    def witnesses_agree(self) -> bool:
        """All that have looked say the same of the first slice."""
        return len({row.witness for row in self.rows} - {0}) < 2

    def any(self, flag: int) -> bool:
        return any(row.flags & flag for row in self.rows)

    def all(self, flag: int) -> bool:
        return all(row.flags & flag for row in self.rows)

    def ranks(self, flag: int) -> list[int]:
        return [rank for rank, row in enumerate(self.rows) if row.flags & flag]


def agree(rows: Sequence[Row], carried: Sequence[range]) -> Agreed:
    """Losses and weights are added in the virtual ranks' order."""
    loss = weight = 0.0
    for row, virtual_ranks in zip(rows, carried):
        for virtual_rank in virtual_ranks:
            loss += row.losses[virtual_rank]
            weight += row.weights[virtual_rank]
    weighed = any(row.flags & WEIGHED for row in rows)
    if weighed:
        loss = loss / weight if weight else float("nan")
    return Agreed(tuple(rows), loss, weight if weighed else 1.0)
