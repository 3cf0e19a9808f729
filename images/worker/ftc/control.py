"""The control words that travel with every step's reduction: 8 bytes each, float64, one row a worker.

Through them all ranks learn the same things at the same step: that a generation waits at the boundary, who leaves, and
every virtual rank's loss.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .group import Group
from .tree import carried

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


def exchange(group: Group, virtual: int, newest_generation: int, leave: int, losses: dict[int, float]) -> Agreed:
    """Shares the words. `losses`: weighted, of the virtual ranks carried here; added in the virtual ranks' order."""
    own = torch.zeros(LOSSES + virtual, dtype=torch.float64)
    own[BOUNDARY], own[LEAVE] = newest_generation, leave
    for virtual_rank, loss in losses.items():
        own[LOSSES + virtual_rank] = loss
    table = torch.zeros(group.size, LOSSES + virtual, dtype=torch.float64)
    if group.size == 1:
        table[0] = own
    else:
        group.wait([group.all_gather_words(table.view(-1), own)])
    rows = table.tolist()
    loss = 0.0
    for rank, row in enumerate(rows):
        for virtual_rank in carried(rank, group.size, virtual):
            loss += row[LOSSES + virtual_rank]
    return Agreed(max(int(row[BOUNDARY]) for row in rows), tuple(int(row[LEAVE]) for row in rows), loss)
