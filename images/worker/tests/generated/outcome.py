"""How runs of a script end, and what all of them together say about ftc."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum


class End(str, Enum):
    SAME = "same digest"
    """All runs end with one digest."""
    REFUSED = "refused"
    """All runs end with an error of ftc's own that says why."""
    DIFFERENT = "different digests"
    PARTLY = "refused in some runs only"
    CRASH = "an error that is not ftc's own word"
    HANG = "a run that does not end"
    TAKEN = "not refused, although it should be"

    @property
    def good(self) -> bool:
        return self in (End.SAME, End.REFUSED)


@dataclass(frozen=True)
class Outcome:
    """One run. Exactly one of `digests`, `refusal`, `crash` and `hang` is not empty; `digests` are those of its workers, each once."""

    workers: int
    digests: tuple[str, ...] = ()
    refusal: str = ""
    crash: str = ""
    hang: str = ""
    faults: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        faults = ", ".join(self.faults) or "nothing happened"
        said = " and ".join(self.digests) or self.refusal or self.crash or self.hang
        return f"{self.workers} workers ({faults}): {said}"


def judge(outcomes: Sequence[Outcome], refused: bool = False, partly: bool = False) -> End:
    """The worst that can be said of a script. `refused`: it should be. `partly`: it may be in the runs that show what is wrong with it."""
    digests = {digest for o in outcomes for digest in o.digests}
    if any(o.hang for o in outcomes):
        return End.HANG
    if any(o.crash for o in outcomes):
        return End.CRASH
    if len(digests) > 1:
        return End.DIFFERENT
    if not digests:
        return End.REFUSED
    if not all(o.digests for o in outcomes):
        return End.REFUSED if partly else End.PARTLY
    return End.TAKEN if refused else End.SAME
