"""A model's buffers, such as BatchNorm's running statistics.

Every slice starts from the buffers as they were when the step began; what virtual rank 0's slice makes of them is kept,
by everybody. So they depend on the step alone. DistributedDataParallel's broadcast keeps rank 0's in the same way.
"""

from __future__ import annotations

import torch

from .group import Group


class StepBuffers:
    """The buffers of one model, through the slices of a step."""

    def __init__(self, model: torch.nn.Module) -> None:
        self._model = model
        self._start: list[torch.Tensor] = []
        self._kept: list[torch.Tensor] = []

    def begin(self) -> None:
        """A step (or a repetition of it, after `rewind`) begins."""
        self._start = [buffer.detach().clone() for buffer in self._model.buffers()]
        self._kept = []

    def rewind(self) -> None:
        """Back to the step's beginning."""
        self._set(self._start)

    def keep(self) -> None:
        """Virtual rank 0's slice has run."""
        self._kept = [buffer.detach().clone() for buffer in self._model.buffers()]

    def settle(self, group: Group) -> None:
        """Everybody gets rank 0's, which carries virtual rank 0; the model's own are set by `commit`. Raises Broken."""
        if not self._start:
            return
        if not self._kept:
            self._kept = [torch.empty_like(buffer) for buffer in self._start]
        if group.size > 1:
            group.wait([group.broadcast(buffer) for buffer in self._kept])

    def commit(self) -> None:
        self._set(self._kept)

    def _set(self, values: list[torch.Tensor]) -> None:
        with torch.no_grad():
            for buffer, value in zip(self._model.buffers(), values):
                buffer.copy_(value)
