"""One step of `job.steps`: the slices that this worker carries, and the commit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from . import forks
from .between import Spot
from .data import Batch
from .errors import UsageError
from .loop import Loop


@dataclass(frozen=True)
class Made:
    """What a step was."""

    number: int
    epoch: int
    loss: float
    grad_norm: float


class Step:
    """Iterate over it, call `backward` once for each batch, and then `commit`. `job.steps` makes it.

    After the loop over its batches the gradients of the whole batch are in the parameters' `grad`, summed over all workers: what
    changes them by its own rule does it then, in every worker alike.
    """

    def __init__(self, loop: Loop, asked_at: Spot | None) -> None:
        """`asked_at`: where the script asked for it; None where nobody can tell what it has done since."""
        self._loop = loop
        self._asked_at = asked_at
        self._handed_out = loop.step_number
        self._began = loop.commits
        self._made: Made | None = None
        """Once it is committed: the loop is at the next one then."""

    @property
    def number(self) -> int:
        """Steps committed before this one: 0 for the first."""
        return self._loop.step_number if self._made is None else self._made.number

    @property
    def epoch(self) -> int:
        """Passes over the data before the one that this step belongs to."""
        return self._loop.epoch if self._made is None else self._made.epoch

    @property
    def loss(self) -> float:
        """The mean over the whole batch, in all workers; by weight where `backward` was given weights.

        Known after the loop over the batches; UsageError before. Not finite with `onNonFinite: skip` or
        `report`, and where training has ended instead.
        """
        return self._reduced("loss", self._loop.loss) if self._made is None else self._made.loss

    @property
    def grad_norm(self) -> float:
        """2-norm of the whole batch's gradient over all parameters that are trained, in all workers: before `clip_norm`, after the
        scaler's unscaling. Known after the loop over the batches; UsageError before."""
        norm = None if self._loop.loss is None else self._loop.grad_norm
        return self._reduced("grad_norm", norm) if self._made is None else self._made.grad_norm

    def __iter__(self) -> Iterator[Batch]:
        """The slices that this worker carries. They come again where a worker was lost before all were reduced; where others had committed
        the step by then, those of the next one follow, if the script has nothing to do before them. Raises UsageError for a batch without its
        `backward`."""
        forks.refuse("the loop over a step's batches")
        unprepared = self._asked_at is not None and self._asked_at.is_followed_by(Spot.of_caller())
        for batch in self._loop.attempts(None if unprepared else self._handed_out):
            yield batch
            if self._loop.unused:
                raise UsageError("step.backward was not called for a batch: every batch needs one call")

    def backward(self, loss: torch.Tensor, weight: Any = None) -> None:
        """Adds a slice's gradient. `loss`: a tensor of one element with a gradient, the mean over the slice's samples, or over what
        `weight` counts (tokens, for example; a number or a tensor of one element). Raises what `job.step` raises."""
        forks.refuse("step.backward")
        self._loop.backward(loss, weight)

    def commit(self) -> bool:
        """The optimizer and the scheduler step. False where training has ended instead; then nothing has changed.

        Raises UsageError before the loop over the batches, and for a second call."""
        forks.refuse("step.commit")
        if self._loop.ended:
            return False
        loop = self._loop
        made = None if loop.loss is None else Made(self.number, self.epoch, loop.loss, loop.grad_norm)
        loop.commit()
        self._made = made
        return True

    def check(self) -> None:
        """Raises UsageError where the script has forgotten `commit`."""
        if self._loop.commits == self._began and not self._loop.ended:
            raise UsageError("step.commit() was not called: it belongs once after the loop over a step's batches")

    def _reduced(self, name: str, value: float | None) -> float:
        if value is None and self._loop.ended:
            return math.nan  # others had made the last step when this worker met them: `commit` says so
        if value is None:
            raise UsageError(f"step.{name} is known after the loop over the step's batches, when all slices were reduced")
        return value
