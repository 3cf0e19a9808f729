"""What happens to the workers of a run, and at which steps: drawn from the program's seed and the number of workers."""

from __future__ import annotations

import random
from dataclasses import dataclass

GAP = 3
"""Steps between two faults: a join takes effect a step late, and must have by then."""

KINDS = ("kill", "kill in a step", "kill and replace", "kill all", "pause", "long pause", "join", "leave", "bit flip")


@dataclass(frozen=True)
class Fault:
    """`victim` counts the workers that train when it comes; `number` chooses among what is left to chance."""

    step: int
    kind: str
    victim: int
    number: int

    def __str__(self) -> str:
        return f"{self.kind} at step {self.step}"


def plan(seed: int, workers: int, steps: int, flips: bool, only: str = "") -> list[Fault]:
    """In order of their steps. The last steps are left alone: what happens there must find a worker that is still at work.

    `only`: faults of this kind, where they can be.
    """
    draws = random.Random(f"faults {seed} {workers}")
    possible = KINDS if flips and workers > 2 else KINDS[:-1]
    kinds = [kind for kind in possible if kind == only] or list(possible)
    found: list[Fault] = []
    step = draws.randint(1, 4)
    while step < steps - 3 and len(found) < 3 and kinds:
        found.append(Fault(step, draws.choice(kinds), draws.randrange(workers), draws.randrange(1 << 30)))
        # Two flips may meet in one tensor, which looks as if the first had not been put right.
        kinds = [kind for kind in kinds if kind != "bit flip" or found[-1].kind != kind]
        step += GAP + draws.randrange(3)
    return found
