"""What a script's own code has changed of the registered state where every worker runs that code, but not on the same state.

Between `for step` and `for batch` it is run once a step. A worker that joins there takes the state from after it, and runs it again: what comes
out must be the same then. A learning rate that follows from the step's number is; a parameter that is scaled, or statistics that a forward pass
moves, are not. Between `job.begin` (or a `job.evaluate`, which begins as well) and
the loop it is run once in each process, on whatever state that has taken.
"""

from __future__ import annotations

from .errors import UsageError
from .replicas.leaves import of_state
from .state import Registered

EARLY = 2
"""Steps of a job in which every worker looks at the tensors ahead of the slices."""

AHEAD = (
    "between `for step` and `for batch` of step {}: a worker that joins there takes the state from after that, and changes it a second time. "
    "Change it after step.commit(), or before job.register; a number that follows from step.number alone may be set there"
)
START = (
    "between job.begin (or a job.evaluate) and the loop, at step {}: a worker that joins, and one that goes on from a checkpoint, takes the state "
    "there, and changes it once more. Change it before job.begin, or after a commit"
)


class Untouched:
    """A state that one worker's script has to leave as it is in one place, or to bring to the same values again."""

    def __init__(self, own: Registered, where: str) -> None:
        """`where` says so, and what to write instead; `{}` is for the number of the next step."""
        self._own = own
        self._where = where
        self._before: tuple[int, dict[str, int]] | None = None

    def tensors(self, step: int) -> None:
        """Its tensors, from now on, unless more is looked at already: they are hardly ever the same after a second time."""
        if self._before is None:
            self._before = (step, dict(of_state(self._own.capture()).tensor_fingerprints()))

    def all_of_it(self, step: int) -> None:
        """All of the state, as it is now."""
        self._before = (step, dict(of_state(self._own.capture()).fingerprints()))

    def taken_anew(self, step: int) -> None:
        """The worker has got another state while the script is in that place."""
        if self._before is not None:
            self.all_of_it(step)

    def forget(self) -> None:
        self._before = None

    def done(self, step: int) -> None:
        """The script has left the place. Raises UsageError with the name of what has changed."""
        before, self._before = self._before, None
        if before is None or before[0] != step:
            return
        now = dict(of_state(self._own.capture()).fingerprints())
        name = next((name for name, value in before[1].items() if now.get(name, value) != value), None)
        if name is not None:
            raise UsageError(f"{name} changed {self._where.format(step + 1)}")
