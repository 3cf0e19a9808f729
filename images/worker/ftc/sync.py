"""After a meeting: all get the state of the lowest rank at the highest step. Nobody decides it centrally.

A checkpoint that is newer than what anybody holds (all were lost but a standby that had taken the state earlier) wins.
Who holds an older state is sent the tensors that differ and no others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from . import wire
from .errors import FtcError
from .group import Group
from .packing import FINGERPRINT, differing, fingerprints, pack, tensors_of, unpack
from .state import Registered

NOTHING = -1
"""The step of who holds no state."""


@dataclass(frozen=True)
class Saved:
    """The checkpoints, as rank 0 sees them."""

    newest: Callable[[], int]
    """The step of the newest, unverified; NOTHING where there is none."""
    structure: Callable[[], int]
    """Of what was loaded, or of this worker's model."""
    load: Callable[[int], int]
    """Restores the newest that verifies and is above a step; that step is known as this worker's then. The step that this
    worker is at afterwards: the given one where there is no newer."""


@dataclass
class Outcome:
    """`step` is what all are at; `moved` counts the bytes of tensors that this rank sent or received for it."""

    step: int
    moved: int = 0


@dataclass
class Meeting:
    """How a generation's members come to one state. `behind` lack it; True where one holds an older one.

    `rehearsing` cannot take it yet: their scripts have not made the changes to the model that the source's has. They run one slice
    of the step, of which nothing is kept, while the others wait for them. `saved`: nobody held the state, it is that of a checkpoint or the
    script's beginning. `words`: what each member said, by rank, and `held`: the ranks that are at the step.
    """

    step: int
    source: int
    behind: dict[int, bool]
    rehearsing: list[int]
    saved: bool = False
    words: Sequence[int] = ()
    held: Sequence[int] = ()

    def rehearses(self, rank: int) -> bool:
        return rank in self.rehearsing


def meet_states(group: Group, own: Registered, step: int, holds_state: bool, saved: Saved, word: int = 0) -> Meeting:
    """Finds out who has what. `word` is told to all. Raises Broken, FtcError."""
    held = step if holds_state else NOTHING
    newest = saved.newest() if group.rank == 0 else NOTHING
    table = wire.table(group, [held, int(own.signature()[:15], 16), newest, own.structure(), word])
    _same_model(group, [row[1] for row in table])
    steps, structures = [row[0] for row in table], [row[3] for row in table]
    best = max(steps)
    holders = [rank for rank, there in enumerate(steps) if there == best != NOTHING]
    if best == NOTHING or table[0][2] > best:
        loaded = saved.load(best) if group.rank == 0 else NOTHING
        loaded, structures[0] = wire.table(group, [loaded, saved.structure()])[0]
        if best == NOTHING:
            steps = [max(loaded, 0), *[NOTHING] * (group.size - 1)]
        elif loaded > best:
            steps[0] = loaded
    at = max(steps)
    source = steps.index(at)
    behind = {rank: there != NOTHING for rank, there in enumerate(steps) if there < at}
    need = structures[source]
    rehearsing = [rank for rank in (*behind, source) if table[rank][3] != need]
    if at > best:
        holders = []
    return Meeting(at, source, behind, sorted(rehearsing), not holders, [row[4] for row in table], holders)


def exchange(group: Group, own: Registered, meeting: Meeting) -> Outcome:
    """Moves the state, when all can take it. Every member calls this; who rehearses, after that. Raises Broken, FtcError."""
    if meeting.rehearsing:
        structures = [row[0] for row in wire.table(group, [own.structure()])]
        if len(set(structures)) > 1:
            raise FtcError(
                "this worker's script has made other changes to the model than the others' by this step: prune, parametrize and "
                "replace layers by job.step_number alone, before the model is called"
            )
    return Outcome(meeting.step, bring(group, own, meeting.source, meeting.behind))


def bring(group: Group, own: Registered, source: int, behind: dict[int, bool]) -> int:
    """Gives the source's state to those behind; True where one holds a state of which a part may be the same. The bytes of tensors that
    this rank sent or received. Raises Broken."""
    if group.rank == source:
        return _send(group, own, behind)
    if group.rank in behind:
        return _receive(group, own, source, behind[group.rank])
    return 0


def _same_model(group: Group, signatures: list[int]) -> None:
    if signatures[group.rank] != signatures[0]:
        raise FtcError("this worker's model differs from that of rank 0: were the script or its image changed during the job?")


def _send(group: Group, own: Registered, behind: dict[int, bool]) -> int:
    """To each rank behind; True where it holds an older state, and so may have a part of this one."""
    if not behind:
        return 0
    state = own.capture()
    mine = fingerprints(state) if any(behind.values()) else None
    whole: list[int] = []
    moved = 0
    for rank, holds in behind.items():
        lacking = differing(mine, _receive_fingerprints(group, rank)) if holds and mine is not None else None
        if lacking is None or all(lacking):
            whole.append(rank)
        else:
            moved += wire.send(group, pack(state, only=lacking), [rank])
    if whole:
        moved += wire.send(group, pack(state), whole)
    return moved


def _receive(group: Group, own: Registered, source: int, holds: bool) -> int:
    state = own.capture()
    if holds:
        mine = fingerprints(state)
        group.send(torch.tensor([len(mine)], dtype=torch.int64), [source])
        if len(mine):
            group.send(mine, [source])
    packed = wire.receive(group, source)
    own.restore(unpack(packed, copy=True, have=list(tensors_of(state)) if holds else ()))
    return packed.used


def _receive_fingerprints(group: Group, rank: int) -> torch.Tensor:
    count = torch.zeros(1, dtype=torch.int64)
    group.receive(count, rank)
    theirs = torch.empty(int(count), FINGERPRINT, dtype=torch.uint8)
    if len(theirs):
        group.receive(theirs, rank)
    return theirs
