"""Replicas differ: where, who, and what is done about it. All members of a generation go through this together."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch

from .. import wire
from ..group import Group
from ..packing import Packed
from .check import minority
from .coverage import MOST_STEPS
from .fingerprint import combine
from .leaves import Leaves, kind

Action = Literal["repaired", "returned", "failed"]


@dataclass(frozen=True)
class Found:
    """The first leaf that differs. `ranks` differ from the majority; all of them where there is none. `source`: the lowest
    rank of the majority, or None. `position` is an index into the tensor, `here` and `there` are the two values as text."""

    leaf: str
    position: list[int]
    ranks: list[int]
    source: int | None
    here: str
    there: str


def locate(group: Group, leaves: Leaves) -> Found | None:
    """None where the whole states are alike after all. Every member calls this. Raises Broken."""
    prints = leaves.fingerprints()
    whole = combine([leaves.outline(), *(value for _, value in prints)])
    values = [row[0] for row in wire.table(group, [whole])]
    if len(set(values)) == 1:
        return None
    most = minority(values)
    source = most[0] if most is not None else 0
    other = next(rank for rank, value in enumerate(values) if value != values[source])
    found: dict[str, Any] | None = None
    if group.rank == source:
        _tell(group, _listed(leaves, prints), other)
        index = int(_hear(group, other))
        if index >= 0:
            _send_leaf(group, leaves, index, other)
        found = _hear(group, other)
    elif group.rank == other:
        ours, theirs = _listed(leaves, prints), _hear(group, source)
        index = _first(ours, theirs)
        _tell(group, index, source)
        found = _compare(group, leaves, index, source) if index >= 0 else _extra(ours, theirs)
        _tell(group, found, source)
    if group.rank == source:
        for rank in range(group.size):
            if rank not in (source, other):
                _tell(group, found, rank)
    elif group.rank != other:
        found = _hear(group, source)
    assert found is not None
    ranks = most[1] if most is not None else list(range(group.size))
    return Found(ranks=ranks, source=None if most is None else source, **found)


def decide(policy: str, found: Found, exact: bool, again: bool) -> Action:
    """`exact`: nothing was committed since the replicas were known to be alike, so what the majority holds is right. `again`: it was
    put right before, and came back."""
    if policy == "fail" or again:
        return "failed"
    return "repaired" if exact and found.source is not None else "returned"


THRICE = 3
"""Differences of one tensor in the same workers, one after the other: bits that flip come to that hardly ever, a script's doing does."""


@dataclass(frozen=True)
class Dealt:
    """A difference that was put right: where, in which workers, and when. `times`: how often in a row in that leaf of those workers."""

    leaf: str
    position: list[int]
    workers: list[str]
    step: int
    times: int = 1

    def comes_back(self, found: Found, workers: Sequence[str], step: int) -> bool:
        """A script's doing comes back at the same place, or again and again in the same workers. Where nobody is right, once is enough:
        all have gone back to a checkpoint for it."""
        if found.leaf != self.leaf or not self._soon(step):
            return False
        alike = list(workers) == self.workers
        return found.position == self.position or (alike and (found.source is None or self.times + 1 >= THRICE))

    def then(self, found: Found, workers: Sequence[str], step: int) -> Dealt:
        """What is remembered after the next one."""
        same = found.leaf == self.leaf and list(workers) == self.workers and self._soon(step)
        return Dealt(found.leaf, found.position, list(workers), step, self.times + 1 if same else 1)

    def _soon(self, step: int) -> bool:
        return step <= self.step + 2 * MOST_STEPS


def _listed(leaves: Leaves, prints: Sequence[tuple[str, int]]) -> list[list[str]]:
    """A leaf's name, what kind of value it has, and its fingerprint."""
    count = len(leaves.tensors)
    return [[name, "a tensor" if number < count else "no tensor", str(value)] for number, (name, value) in enumerate(prints)]


def _first(ours: list[list[str]], theirs: list[list[str]]) -> int:
    """Where the two lists differ first in a leaf that both have at the same place; -1 where one has leaves that the other has not."""
    if [own[:2] for own in ours] != [other[:2] for other in theirs]:
        return -1
    return next((number for number, (own, other) in enumerate(zip(ours, theirs)) if own != other), -1)


def _extra(ours: list[list[str]], theirs: list[list[str]]) -> dict[str, Any]:
    """A leaf that only one of the two has, or that is a tensor in only one."""
    own, other = ({name: kind for name, kind, _ in told} for told in (ours, theirs))
    for name in [*other, *own]:
        if own.get(name) != other.get(name):
            here, there = own.get(name, "missing"), other.get(name, "missing")
            either = "missing" in (here, there)
            return _said(name, *("there" if either and kind != "missing" else kind for kind in (here, there)))
    return _said("the order of the state's entries", "another", "another")


def _said(leaf: str, here: str, there: str) -> dict[str, Any]:
    return {"leaf": leaf, "position": [], "here": here, "there": there}


def _send_leaf(group: Group, leaves: Leaves, index: int, to: int) -> None:
    if index >= len(leaves.tensors):
        _tell(group, kind(leaves.plain[index - len(leaves.tensors)][1])[1], to)
        return
    value = leaves.tensors[index][1]
    _tell(group, [str(value.dtype), list(value.shape)], to)
    flat = _bytes(value)
    if flat.numel():
        group.send(flat, [to])


def _compare(group: Group, leaves: Leaves, index: int, source: int) -> dict[str, Any]:
    if index >= len(leaves.tensors):
        name, value = leaves.plain[index - len(leaves.tensors)]
        return _said(name, kind(value)[1][:60], str(_hear(group, source))[:60])
    name, own = leaves.tensors[index]
    dtype, shape = _hear(group, source)
    theirs = torch.empty(_length(dtype, shape), dtype=torch.uint8)
    if theirs.numel():
        group.receive(theirs, source)
    if [str(own.dtype), list(own.shape)] != [dtype, shape]:
        return _said(name, f"{own.dtype} {list(own.shape)}", f"{dtype} {shape}")
    different = (_bytes(own) != theirs).nonzero()
    first = int(different[0]) // own.element_size() if len(different) else 0
    other = theirs.view(own.dtype).view(own.shape)
    place = [int(i) for i in torch.unravel_index(torch.tensor(first), own.shape)] if own.dim() else []
    return {"leaf": name, "position": place, "here": str(own.cpu()[tuple(place)].item()), "there": str(other[tuple(place)].item())}


def _bytes(value: torch.Tensor) -> torch.Tensor:
    return value.detach().cpu().resolve_conj().resolve_neg().contiguous().reshape(-1).view(torch.uint8)


def _length(dtype: str, shape: Sequence[int]) -> int:
    return int(torch.Size(shape).numel() * getattr(torch, dtype.removeprefix("torch.")).itemsize)


def _tell(group: Group, value: Any, to: int) -> None:
    wire.send(group, Packed(json.dumps(value).encode(), torch.empty(0, dtype=torch.uint8), 0), [to])


def _hear(group: Group, source: int) -> Any:
    return json.loads(wire.receive(group, source).structure)


def describe(found: Found, members: Sequence[str], since: int, step: int) -> str:
    """One sentence that names the tensor, the place, the workers and the steps."""
    where = f"{found.leaf} at {found.position}" if found.position else found.leaf
    who = ", ".join(f"worker {members[rank]} (rank {rank})" for rank in found.ranks)
    rest = len(members) - len(found.ranks)
    if found.source is None:
        differ = f"no value is held by more than half of {who}" if len(members) > 2 else f"{who} hold different values"
    else:
        differ = f"{who} {'differs' if len(found.ranks) == 1 else 'differ'} from the other {rest}"
    when = f"after step {step}" if since >= step - 1 else f"between step {max(since, 0)} and step {step}"
    return f"the replicas are not alike: {where} went apart {when}: {differ} ({found.here} instead of {found.there})"


CAUSES = """Usual causes in a training script:
- random numbers from a generator of the script's own, drawn within slices: use job.generator(name), or the global generators of torch, numpy and random
- state that changes within a slice and is neither a buffer nor a parameter of a registered module: a counter, a cache, an average
- code that depends on job.rank, job.world_size, the host name, the process id or the time
- a value that is changed under "if job.rank == 0"
Change such state once a step, after job.step has returned True, and register it: job.register(…, name=object)."""


