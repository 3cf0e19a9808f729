"""Calls into torch that cannot be interrupted, made so that the caller can go."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from .errors import Broken

T = TypeVar("T")

GIVEN_UP = "a newer generation came"

GRACE = 0.025
"""Seconds between the breaking of a call's sockets and leaving it to itself."""


class _Outcome(Generic[T]):
    def __init__(self, value: T | None, problem: str) -> None:
        self.value = value
        self.problem = problem


def call(action: Callable[[], T], given_up: Callable[[], bool]) -> T:
    """The action's result. Raises Broken where it fails, or `given_up` says so and it has not failed soon after.

    It runs on a thread of its own, which is left to itself then: torch waits for an answer, or for a connection that a lost
    peer will never make, with no socket of ours to break. What it still brings about is dropped.
    """
    outcomes: queue.SimpleQueue[_Outcome[T]] = queue.SimpleQueue()

    def attempt() -> None:
        try:
            outcomes.put(_Outcome(action(), ""))
        except (RuntimeError, OSError) as error:
            outcomes.put(_Outcome(None, str(error) or type(error).__name__))

    threading.Thread(target=attempt, name="ftc-meeting", daemon=True).start()
    since = None
    while True:
        try:
            outcome = outcomes.get(timeout=0.01)
            break
        except queue.Empty:
            outcome = None
        if given_up():
            since = since or time.monotonic()
            if time.monotonic() > since + GRACE:
                break
    if outcome is None:
        raise Broken(GIVEN_UP)
    if outcome.value is None:
        raise Broken(outcome.problem)
    return outcome.value
