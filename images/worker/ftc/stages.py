"""Where in its script a worker is, between two commits of the loop, and so who will come to the same place.

What all workers do together outside of a step (an evaluation, the end of training) must not wait for one that has joined, or
has been brought to a newer step, behind that place. So the members of a generation tell each other where they are when they meet.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


class Stage(enum.IntEnum):
    """In the order in which a worker comes through them; before the loop it begins with START."""

    COMMITTED = 0
    """After the commit of the newest step, in the script's own code."""
    START = 1
    BODY = 2
    """A step of `job.steps` was handed out, and not iterated over."""
    SLICES = 3
    """In the loop over a step's batches; the count begins anew with each of them."""
    ENDED = 4


Key = tuple[int, int, int]
"""Of an evaluation: the step, the stage in which the script calls it, and the place among the calls there."""

_BEHIND = (1 << 24) - 1
"""Evaluations of a stage that are all behind a worker."""
_FLAGS = tuple(1 << bit for bit in range(40, 45))


@dataclass(frozen=True)
class Told:
    """What a member says when it meets the others. `done`: evaluations of that stage that are behind it. `finish`: it has called
    job.finish at this step. `made`: it has committed this step itself, and so has run what the script does then. `decided`: it knows that
    all have called job.finish at this step. `ahead`: its script has run code between `for step` and `for batch`, or is there now.
    `took`: it has just been given the state."""

    stage: Stage
    done: int
    finish: bool
    made: bool
    decided: bool = False
    ahead: bool = False
    took: bool = False

    def encode(self) -> int:
        flags = zip((self.finish, self.made, self.decided, self.ahead, self.took), _FLAGS)
        return self.stage << 24 | self.done | sum(bit for flag, bit in flags if flag)

    @staticmethod
    def decode(word: int) -> Told:
        return Told(Stage(word >> 24 & 0xFF), word & _BEHIND, *(bool(word & bit) for bit in _FLAGS))

    @property
    def inside(self) -> bool:
        """Its script is in code that may still change the state of this step: after the commit, or ahead of the slices."""
        return self.made and self.stage == Stage.COMMITTED or self.ahead and self.stage == Stage.BODY


@dataclass(frozen=True)
class HandOver:
    """The members' scripts are at different places, and so their states need not be alike until all have come to the next reduction. There
    `source` gives its state to `receivers`, who have what it was before the script had done with it."""

    source: int
    receivers: tuple[int, ...]


def hand_over_of(told: Sequence[Told]) -> HandOver | None:
    """What follows from the places of a generation's members, by rank. None where their states are alike now."""
    made = [rank for rank, other in enumerate(told) if other.made]
    if any(told[rank].stage == Stage.COMMITTED for rank in made):
        return HandOver(made[0], tuple(rank for rank, other in enumerate(told) if not other.made))
    ahead = [rank for rank, other in enumerate(told) if other.ahead]
    inside = any(told[rank].inside for rank in ahead)
    if not inside and len(ahead) in (0, len(told)):
        return None
    source = next((rank for rank in ahead if not told[rank].took), 0)
    return HandOver(source, tuple(rank for rank, other in enumerate(told) if inside and other.took))


class Stages:
    """One worker's place, and what the others said of theirs."""

    def __init__(self) -> None:
        self.stage = Stage.START
        self.evaluating: int | None = None
        """The number of the evaluation in this stage that the worker is in."""
        self.prepared = False
        """In SLICES: the script has done something between `for step` and `for batch`."""
        self.undone = False
        """That was done for a state that is no more: all have gone back since."""
        self.results: dict[Key, Any] = {}
        """What was evaluated while the script looks at a slice: it is the same for the step's other slices, and when they come again."""
        self._count = 0
        self._made = -1
        self._met: tuple[int, list[Told]] = (-1, [])
        self._finish: tuple[int, str] = (-1, "")
        self._decided = -1

    def enter(self, stage: Stage) -> None:
        self.stage, self._count = stage, 0
        if stage == Stage.BODY:
            self.undone = False

    def committed(self, step: int) -> None:
        """This worker has committed: so many steps are now."""
        self._made = step
        self.results = {}
        self.enter(Stage.COMMITTED)

    def next_evaluation(self) -> int:
        """Its number in this stage."""
        self._count += 1
        return self._count - 1

    def finish_at(self, step: int, reason: str) -> None:
        self._finish = (step, reason)

    def reason(self, step: int) -> str | None:
        """Why training is to end before the step after `step`; None where it is not."""
        return self._finish[1] if self._finish[0] == step else None

    def decide(self, step: int) -> None:
        """All have called job.finish at this step."""
        self._decided = step

    def has_ended(self, step: int) -> bool:
        return self._decided == step

    def returned(self) -> None:
        """To an older state: what was decided after it comes again."""
        self._finish, self._made, self._decided = (-1, ""), -1, -1
        self.results = {}

    @property
    def ahead(self) -> bool:
        """The script has run code between `for step` and `for batch`, or is there: only `job.evaluate` meets others in it."""
        return self.prepared if self.stage == Stage.SLICES else self.stage == Stage.BODY and self.evaluating is not None

    @property
    def between(self) -> bool:
        """In an evaluation between a step's commit and the next one's slices: what the script does after it belongs to this step."""
        return self.evaluating is not None and self.stage in (Stage.COMMITTED, Stage.BODY)

    def told(self, step: int, took: bool = False) -> Told:
        if self.evaluating is not None:
            done = self.evaluating
        else:
            done = _BEHIND if self.stage == Stage.SLICES else self._count
        return Told(self.stage, done, self.reason(step) is not None, self._made == step, self._decided == step, self.ahead, took)

    def met(self, step: int, told: Sequence[Told]) -> None:
        """All members of a generation, by rank, are at `step`. What one knows of the end, the others may not have heard when it broke."""
        self._met = (step, list(told))
        if any(other.decided for other in told):
            self.decide(step)

    def come(self, step: int, number: int, size: int) -> list[int]:
        """Ranks that come to the `number`-th evaluation of the stage that this worker is in."""
        at, told = self._met
        if at != step:
            return list(range(size))  # all have committed since, together
        return [rank for rank, other in enumerate(told) if self._is_ahead_of(other, number)]

    def leader(self, step: int) -> int:
        """The rank that runs side effects of the newest step: the lowest that has committed it, and so knows them."""
        at, told = self._met
        return next((rank for rank, other in enumerate(told) if other.made), 0) if at == step else 0

    def _is_ahead_of(self, other: Told, number: int) -> bool:
        if other.stage == self.stage:
            return other.done <= number
        return self.stage in (Stage.BODY, Stage.SLICES) and other.stage < self.stage
