"""The witness slice: in some steps every worker also computes the step's first slice, which another one carries, and adds nothing of it.
Samples, state and random numbers are the same, so the gradients must be, to the bit.

Where they are not, the script has values of its own that no registered object holds, and they are not alike in all processes: a mask that is
drawn when it is first needed, a copy of the weights taken after `job.begin`, a running mean over the slices that a worker happened to carry.
No comparison of states can see them: all replicas take the same wrong sum.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch

from . import wire
from .control import Agreed
from .errors import UsageError
from .group import Group
from .replicas.fingerprint import combine, of_tensor
from .stages import Told

EARLY = frozenset((0, 1, 8, 64, 512))
"""Committed steps after which the next one is witnessed, whoever trains it: what depends on the slices so far shows early."""
EVERY = 1024
"""Steps, later on."""

Prints = dict[str, int]
"""64 bits by the name of what came out of the slice."""


class Witness:
    """When a step is witnessed: in the first one of a generation, in the last one, and now and then."""

    def __init__(self) -> None:
        self._newcomers: tuple[int, ...] = ()
        self._new = self._differed = False

    def met(self, step: int, told: Sequence[Told]) -> None:
        """A generation's members are at `step`."""
        self._newcomers = tuple(rank for rank, other in enumerate(told) if not other.made) if step > 0 else ()
        self._new, self._differed = True, False

    def due(self, step: int, size: int, last: bool = False) -> bool:
        """`last`: no step follows the one after `step`."""
        return size > 1 and (self._new or self._differed or last or step in EARLY or (step > 0 and step % EVERY == 0))

    def agrees(self, group: Group, agreed: Agreed, prints: Prints, members: Sequence[str], step: int) -> bool:
        """Called by all ranks where an attempt counts. False: it is made once more, with the whole state compared before, because what was a
        fault in memory is gone or repaired then. Raises UsageError in all where it is not; Broken."""
        if not agreed.witnesses_agree:
            found = difference([wire.told_by(group, rank, prints) for rank in range(group.size)], self._newcomers)
            if found is not None and self._differed:
                raise UsageError(describe(found, members, self._newcomers, step))
            if found is not None:
                self._differed = True
                print(f"ftc: the first slice of step {step + 1} came out differently ({found.name}): the step is made again", flush=True)
                return False
        if any(row.witness for row in agreed.rows):  # a slice of weight 0 shows nothing
            self._newcomers, self._new, self._differed = (), False, False
        return True


def prints_of(tensors: Iterable[tuple[str, torch.Tensor | None]]) -> Prints:
    """By name."""
    return {name: 0 if value is None else of_tensor(value if value.layout == torch.strided else value.to_dense()) for name, value in tensors}


def word(prints: Prints) -> int:
    """64 bits that travel with the reduction, never 0."""
    return combine(value for _, value in sorted(prints.items())) | 1


@dataclass(frozen=True)
class Difference:
    """`name` is what came out differently first. `ranks` are those that differ from the others."""

    name: str
    ranks: tuple[int, ...]


def difference(prints: Sequence[Mapping[str, int]], newcomers: Sequence[int] = ()) -> Difference | None:
    """By rank, what each of them found; empty where a rank did not look. None where all that several have is alike. Workers that have made the
    steps before are right if they agree. If they do not, or none is left, the minority differs."""
    looked = [rank for rank, one in enumerate(prints) if one]
    for name in dict.fromkeys(name for rank in looked for name in prints[rank]):
        values = {rank: prints[rank][name] for rank in looked if name in prints[rank]}
        if len(set(values.values())) < 2:
            continue
        old = {value for rank, value in values.items() if rank not in newcomers}
        (right,) = old if len(old) == 1 else (Counter(values.values()).most_common(1)[0][0],)  # of equally many that of the lowest rank
        return Difference(name, tuple(rank for rank, value in values.items() if value != right))
    return None


def describe(found: Difference, members: Sequence[str], newcomers: Sequence[int], step: int) -> str:
    who = ", ".join(f"worker {members[rank]} (rank {rank})" for rank in found.ranks)
    began = f", which began at step {step}," if set(found.ranks) <= set(newcomers) else ""
    return (
        f"the first slice of step {step + 1} has another result in {who}{began} than in the others, from the same samples and the same state: "
        f"{found.name} differs. The script uses a value that no registered object holds and that is not the same in every process, such as a mask that is "
        "drawn when it is first needed, a copy of the weights, or a running mean over slices. Register it (a buffer of the model, or an object "
        "with state_dict and load_state_dict as a keyword of job.register), make it before job.begin from fixed numbers, or compute it from job.step_number"
    )
