"""What a script's code between `for step` and `for batch` has changed of the registered state.

It is run once a step in every worker. One that joins there takes the state from after it, and runs it again: what comes out must be the
same then. A learning rate that follows from the step's number is; a parameter that is scaled, or statistics that a forward pass moves, are not.
"""

from __future__ import annotations

from .errors import UsageError
from .replicas.leaves import of_state
from .state import Registered

EARLY = 2
"""Steps of a job in which every worker looks at the tensors."""

Prints = dict[str, int]
"""Fingerprints of the state's leaves, by name."""


class Ahead:
    """One worker's."""

    def __init__(self, own: Registered) -> None:
        self._own = own
        self._before: tuple[int, Prints] | None = None

    def handed_out(self, step: int) -> None:
        """The script gets a step. In the first ones its tensors are looked at, for they are hardly ever the same after a second time."""
        if step < EARLY and self._before is None:
            self._before = (step, dict(of_state(self._own.capture()).tensor_fingerprints()))

    def taken(self, step: int) -> None:
        """This worker has got the state from one whose script has run that code, and is to run it as well."""
        self._before = (step, dict(of_state(self._own.capture()).fingerprints()))

    def forget(self) -> None:
        self._before = None

    def done(self, step: int) -> None:
        """The script has run that code. Raises UsageError with the name of what has changed."""
        before, self._before = self._before, None
        if before is None or before[0] != step:
            return
        now = dict(of_state(self._own.capture()).fingerprints())
        name = next((name for name, value in before[1].items() if now.get(name, value) != value), None)
        if name is not None:
            raise UsageError(
                f"{name} changed between `for step` and `for batch` of step {step + 1}: a worker that joins there takes the state from after "
                "that, and changes it a second time. Change it after step.commit(), or before job.register; a number that follows from "
                "step.number alone may be set there"
            )
