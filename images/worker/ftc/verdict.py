"""What becomes of an attempt: a pure function of what all ranks have said, so that all decide the same."""

from __future__ import annotations

import enum
from collections.abc import Sequence

from . import control
from .control import Agreed
from .errors import UsageError


class Verdict(enum.Enum):
    COUNTS = enum.auto()
    """Unless the replicas differ."""
    AGAIN = enum.auto()
    """Something was found that has to be known from the attempt's beginning."""
    FOLLOW = enum.auto()
    """The script has changed what is trained: again, with that."""
    FINISH = enum.auto()
    """The script ends training before this step, unless the replicas differ."""


def judge(agreed: Agreed, layout: int, members: Sequence[str], step: int) -> Verdict:
    """`layout`: of the parameters that were reduced. Raises UsageError, in all ranks alike, where they want different things."""
    wanted = [row.layout for row in agreed.rows]
    if set(wanted) != {layout}:
        others = [rank for rank, one in enumerate(wanted) if one != wanted[0]]
        if others:
            raise UsageError(
                f"workers do not train the same parameters at step {step + 1}: {_names(members, others)} "
                f"froze or unfroze other parameters than {_names(members, [0])}. Decide by job.step_number, never by job.rank"
            )
        return Verdict.FOLLOW
    if agreed.any(control.VOID):
        return Verdict.AGAIN
    if agreed.any(control.FINISH):
        if not agreed.all(control.FINISH):
            raise UsageError(
                f"job.finish was called at step {step} by {_names(members, agreed.ranks(control.FINISH))}, and not by the others: "
                "all workers must decide the same. Decide by what is equal everywhere: step.loss, job.evaluate, job.step_number"
            )
        return Verdict.FINISH
    if agreed.any(control.WEIGHED) and not agreed.all(control.WEIGHED):
        raise UsageError(
            f"job.step was called with a weight at step {step + 1} by {_names(members, agreed.ranks(control.WEIGHED))}, and without by the "
            "others: give every slice of a step a weight, or none"
        )
    return Verdict.COUNTS


def _names(members: Sequence[str], ranks: Sequence[int]) -> str:
    return ", ".join(f"worker {members[rank]} (rank {rank})" for rank in ranks)
