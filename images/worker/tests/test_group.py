from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ftc.errors import Broken
from ftc.group import Group
from ftc.guard import Guard


class Operation:
    """Ends as told: each wait takes the next of `outcomes`; None is success, text an error, `late` ends after its timeout."""

    def __init__(self, *outcomes: str | None) -> None:
        self._outcomes = list(outcomes)
        self._completed = False

    def wait(self, timeout: timedelta | None = None) -> bool:
        outcome = self._outcomes.pop(0)
        if outcome == "timeout":
            raise RuntimeError("Operation timed out!")
        self._completed = True
        if outcome == "late":
            raise RuntimeError("Operation timed out!")
        if outcome is not None:
            self._outcomes = [outcome]
            raise RuntimeError(outcome)
        return True

    def is_completed(self) -> bool:
        return self._completed


def group() -> tuple[Group, Guard]:
    guard = Guard(1, 0, set)
    return Group(1, 0, 2, guard, None, None), guard


def wait(subject: Group, operation: Operation) -> None:
    subject.wait([subject._start(lambda: operation)])


@pytest.mark.parametrize("outcomes", [[None], ["timeout", "timeout", None], ["late", None], ["timeout", "late", None]])
def test_a_slow_operation_is_no_failed_one(outcomes: list[Any]) -> None:
    """`late`: it ended between the end of its wait and the look at it."""
    wait(group()[0], Operation(*outcomes))


@pytest.mark.parametrize("outcomes", [["lost"], ["timeout", "lost"], ["late", "lost"]])
def test_a_failed_operation_says_why(outcomes: list[Any]) -> None:
    with pytest.raises(Broken, match="^lost$"):
        wait(group()[0], Operation(*outcomes))


def test_one_that_never_ends_is_given_up_when_a_newer_generation_came() -> None:
    subject, guard = group()
    operation = Operation(*["timeout"] * 1_000_000)
    work = subject._start(lambda: operation)
    guard.trip()
    with pytest.raises(Broken, match="newer generation"):
        subject.wait([work])
    subject.close()
