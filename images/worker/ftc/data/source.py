"""What the training loop asks of data: samples by number, a slice at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from ..slices import Order, Plan, Slice
from ..state import Stateful


class Source(Protocol):
    """`len` counts the samples of an epoch. What a subclass does not say is as it is for tensors in memory."""

    batch_size: int | None = None
    """Samples a step over all workers, where the data says it."""

    drop_last: bool = False
    """An epoch's last batch is left out where it is smaller than the others."""

    shuffle: bool | None = None
    """What the data says of its order; None: the caller decides."""

    ahead: int = 0
    """How many slices `expect` makes use of beyond those of the present step."""

    def __len__(self) -> int: ...

    def fetch(self, wanted: Slice) -> Any:
        """What collating gave. The caller's random state is afterwards as it was before."""
        ...

    def expect(self, coming: Sequence[Slice]) -> None:
        """At the start of each step: what this worker will fetch, in order. What is not among it is forgotten."""
        return

    def order(self, plan: Plan) -> Order | None:
        """The order of the data's own, such as one that suits where samples lie. None: the plan decides."""
        return None

    def close(self) -> None:
        """Ends what runs beside the training."""
        return


@runtime_checkable
class Reading(Order, Stateful, Protocol):
    """An order whose state is how a job that goes on knows that the data is still the same."""

    def position(self, step: int) -> tuple[str, int]:
        """Where the first sample of the step after `step` committed ones is: a name, and a number in that."""
