"""A model's buffers, such as BatchNorm's running statistics.

Every slice starts from the buffers as they were when the step began; what virtual rank 0's slice makes of them is kept,
by everybody. So they depend on the step alone. DistributedDataParallel's broadcast keeps rank 0's in the same way.
"""

from __future__ import annotations

import torch


class StepBuffers:
    """The buffers of one model, through the slices of a step."""

    def __init__(self, model: torch.nn.Module) -> None:
        self._model = model
        self._start: list[torch.Tensor] = []
        self._kept: list[torch.Tensor] = []
        self.bytes = sum(buffer.numel() * buffer.element_size() for buffer in model.buffers())
        """Length of what rank 0 tells the others."""

    def begin(self) -> None:
        """A step (or a repetition of it, after `rewind`) begins."""
        self._start = self._copies()

    def rewind(self) -> None:
        """Back to the step's beginning."""
        self._set(self._start)

    def keep(self) -> None:
        """Virtual rank 0's slice has run."""
        self._kept = self._copies()

    def packed(self) -> torch.Tensor:
        """What `keep` kept: uint8, in host memory, shape (bytes,)."""
        if self.bytes == 0:
            return torch.empty(0, dtype=torch.uint8)
        return torch.cat([buffer.cpu().reshape(-1).view(torch.uint8) for buffer in self._kept])

    def unpack(self, told: torch.Tensor) -> None:
        """Takes rank 0's, which carries virtual rank 0; the model's own are set by `commit`."""
        start = 0
        self._kept = []
        for buffer in self._start:
            end = start + buffer.numel() * buffer.element_size()
            # A copy is aligned, whatever lies before it.
            self._kept.append(told[start:end].clone().view(buffer.dtype).view(buffer.shape).to(buffer.device))
            start = end

    def commit(self) -> None:
        self._set(self._kept)

    def _copies(self) -> list[torch.Tensor]:
        return [buffer.detach().clone() for buffer in self._model.buffers()]

    def _set(self, values: list[torch.Tensor]) -> None:
        with torch.no_grad():
            for buffer, value in zip(self._model.buffers(), values):
                buffer.copy_(value)
