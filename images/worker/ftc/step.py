"""One step of `job.steps`: the slices that this worker carries, and the commit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch

from .data import Batch
from .errors import UsageError
from .loop import Loop


class Step:
    """Iterate over it, call `backward` once for each batch, and then `commit`.

    After the loop over its batches the gradients of the whole batch are in the parameters' `grad`, summed over all workers: what
    changes them by its own rule does it then, in every worker alike.
    """

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._began = loop.commits
        self._ended_before = loop.ended

    @property
    def number(self) -> int:
        """Steps committed before this one: 0 for the first."""
        return self._loop.step_number

    @property
    def epoch(self) -> int:
        """Passes over the data before the one that this step belongs to."""
        return self._loop.epoch

    @property
    def loss(self) -> float:
        """The mean over the whole batch, in all workers; by weight where `backward` was given weights. After the loop over the batches.
        NaN where training has ended instead."""
        return self._reduced("loss", self._loop.loss)

    @property
    def grad_norm(self) -> float:
        """Of the gradient of the whole batch, before `clip_norm`. After the loop over the batches."""
        return self._reduced("grad_norm", None if self._loop.loss is None else self._loop.grad_norm)

    def __iter__(self) -> Iterator[Batch]:
        """The slices that this worker carries. They come again where a worker was lost before all were reduced."""
        for batch in self._loop.attempts():
            yield batch
            if self._loop.unused:
                raise UsageError("step.backward was not called for a batch: every batch needs one call")

    def backward(self, loss: torch.Tensor, weight: Any = None) -> None:
        """Adds a slice's gradient. `loss`: the mean over the slice's samples, or over what `weight` counts (tokens, for example)."""
        self._loop.backward(loss, weight)

    def commit(self) -> bool:
        """The optimizer and the scheduler step. False where training has ended instead; then nothing has changed."""
        if self._loop.ended:
            return False
        self._loop.commit()
        return True

    def check(self) -> None:
        """Raises UsageError where the script has forgotten `commit`."""
        if self._loop.commits == self._began and not self._loop.ended:
            raise UsageError("step.commit() was not called: it belongs once after the loop over a step's batches")

    def _reduced(self, name: str, value: float | None) -> float:
        if value is None and self._loop.ended:
            return math.nan  # this worker has joined when all steps were made: `commit` will say so
        if value is None:
            raise UsageError(f"step.{name} is known after the loop over the step's batches, when all slices were reduced")
        return value
