"""What one worker says of its state with every reduction, and what it knows when all have said the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .coverage import MOST_STEPS, Coverage
from .leaves import Leaves, identity, of_state


class ReplicaCheck:
    """`capture` gives the state as it is. Steps are numbers of committed ones."""

    def __init__(self, capture: Callable[[], Any], looked: Callable[[Leaves], None] = lambda leaves: None) -> None:
        """`looked` is told of the state's leaves now and then, the first two steps of a generation included."""
        self._capture = capture
        self._looked = looked
        self._coverage: Coverage | None = None
        self._identity: Any = None
        self._held: Any = None
        """The state that the cut is of: its tensors live as long, so that no other one has their numbers."""
        self._begun = 0
        self._cut_at = -1
        self._agreed_parts: dict[int, int] = {}
        self._known = -1
        self.count = 0
        """Checks in which all agreed, since this process began."""
        self.whole = False
        """The next check covers the whole state."""
        self._told: tuple[int, bool] = (0, False)

    @property
    def known(self) -> int | None:
        """The newest step after which the whole state was the same in all workers."""
        return self._known if self._known >= 0 else None

    def begin(self, step: int) -> None:
        """A generation begins with equal states: its members have just compared them."""
        self.defer(step)
        self._known = step
        self.count += 1

    def defer(self, step: int) -> None:
        """A generation begins, and its members are yet to compare their states: nothing is known of this step."""
        self._begun, self._coverage, self.whole = step, None, False

    def all_of_it(self) -> int:
        """The whole state's fingerprint now."""
        return Coverage(of_state(self._capture())).whole()

    def value(self, step: int) -> int:
        """For the reduction of the step that follows `step` committed ones. The same step may be asked for again."""
        coverage = self._cut(step)
        if self.whole:
            return coverage.whole()
        return coverage.of_part(self._part(step))

    def agreed(self, step: int) -> None:
        """All said the same as this worker."""
        self.count += 1
        coverage = self._cut(step)
        if self.whole or coverage.steps == 1:
            self._known, self._agreed_parts = step, {}
        else:
            self._agreed_parts[self._part(step)] = step
            if len(self._agreed_parts) == coverage.steps:
                self._known, self._agreed_parts = min(self._agreed_parts.values()), {}
        self.whole = False

    def since(self, step: int) -> int:
        """The newest step after which what was looked at last is known to have been the same."""
        coverage = self._coverage
        if coverage is None or self.whole:
            return self._known
        return max(self._known, self._agreed_parts.get(self._part(step), -1))

    @property
    def every_step(self) -> bool:
        """The state is so small that all of it is compared in every step."""
        return self._coverage is not None and self._coverage.steps == 1

    def _cut(self, step: int) -> Coverage:
        """By all members at the same steps: what it is made of is the same in all who agree."""
        coverage = self._coverage
        if coverage is None or (step != self._cut_at and self._due(step, coverage.steps)):
            state = self._capture()
            now = identity(state)
            self._cut_at, self._agreed_parts = step, {}
            if coverage is not None and now == self._identity:
                return coverage
            leaves = of_state(state)
            self._coverage = coverage = Coverage(leaves)
            self._identity, self._held = now, state
            if step - self._begun < 2 or (step - self._begun) % MOST_STEPS == 0 or coverage.steps > 1:
                self._looked(leaves)
        return coverage

    def _due(self, step: int, steps: int) -> bool:
        return step - self._begun == 1 or step - self._cut_at >= steps

    def _part(self, step: int) -> int:
        assert self._coverage is not None
        return (step - self._cut_at) % self._coverage.steps


def minority(values: Sequence[int]) -> tuple[int, list[int]] | None:
    """The lowest rank of more than half that say the same, and the ranks that say something else. None where no more than half do."""
    for value in dict.fromkeys(values):
        same = [rank for rank, told in enumerate(values) if told == value]
        if 2 * len(same) > len(values):
            return same[0], [rank for rank in range(len(values)) if rank not in same]
    return None
