"""Tensors in memory."""

from __future__ import annotations

from typing import Any

import torch

from ..errors import UsageError
from ..slices import Slice
from .nested import pinned
from .source import Source


class Data(Source):
    """Tensors whose first dimension counts samples: `Data(x, y)`. Any number of them."""

    pin_memory = False

    def __init__(self, *tensors: torch.Tensor) -> None:
        if not tensors or any(t.dim() == 0 or len(t) != len(tensors[0]) for t in tensors):
            raise UsageError(f"Data needs tensors of one length, not {[tuple(t.shape) for t in tensors]}")
        self.tensors = tensors

    def __len__(self) -> int:
        return len(self.tensors[0])

    def fetch(self, wanted: Slice) -> tuple[torch.Tensor, ...]:
        parts = tuple(tensor[wanted.indices.to(tensor.device)] for tensor in self.tensors)
        moved: Any = pinned(parts) if self.pin_memory else parts
        return tuple(moved)
