"""The words that travel with every step's reduction: 8 bytes each, float64, one row a worker.

Through them all ranks learn the same things at the same step: that a generation waits at the boundary, who leaves, and
every virtual rank's loss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

BOUNDARY, LEAVE, LOSSES = 0, 1, 2


@dataclass(frozen=True)
class Agreed:
    """What all ranks know after a step. `leave`: by rank, 0 stays, 1 leaves, 2 wants the whole job to stop."""

    newest_generation: int
    leave: tuple[int, ...]
    loss: float

    @property
    def all_leave(self) -> bool:
        return 2 in self.leave or all(self.leave)


def words(virtual: int) -> int:
    """How many words a row has."""
    return LOSSES + virtual


def row(virtual: int, newest_generation: int, leave: int, losses: Mapping[int, float]) -> torch.Tensor:
    """One worker's row. `losses`: weighted, of the virtual ranks carried here."""
    own = [0.0] * words(virtual)
    own[BOUNDARY], own[LEAVE] = newest_generation, leave
    for virtual_rank, loss in losses.items():
        own[LOSSES + virtual_rank] = loss
    return torch.tensor(own, dtype=torch.float64)


def agree(rows: Sequence[torch.Tensor], carried: Sequence[range]) -> Agreed:
    """From all rows, by rank. Losses are added in the virtual ranks' order."""
    table = [row.tolist() for row in rows]
    loss = 0.0
    for values, virtual_ranks in zip(table, carried):
        for virtual_rank in virtual_ranks:
            loss += values[LOSSES + virtual_rank]
    return Agreed(max(int(values[BOUNDARY]) for values in table), tuple(int(values[LEAVE]) for values in table), loss)
