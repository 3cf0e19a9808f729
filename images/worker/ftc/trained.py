"""The parameters that a step reduces: all of the optimizers that require a gradient at present.

A script may freeze and unfreeze parameters and add groups of them while it trains. What it wants is seen with the first backward
pass of a step; that step is then made again with the new list, by all workers alike.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import torch

from .backward import Backward
from .layout import buckets


class Trained:
    """One list of parameters, and where their gradients lie. `close` before another is made of the same model."""

    def __init__(self, params: Sequence[torch.nn.Parameter], name: Callable[[torch.nn.Parameter], str], *, overlap: bool) -> None:
        self.params = list(params)
        self.names = [name(param) for param in self.params]
        self.buckets = buckets(self.params)
        self.backward = Backward(self.buckets) if overlap else None
        kinds = [(own, str(param.dtype), tuple(param.shape)) for own, param in zip(self.names, self.params)]
        self.hash = int.from_bytes(hashlib.sha256(repr(kinds).encode()).digest()[:8], "little")
        self._ids = [id(param) for param in self.params]

    def fits(self, params: Sequence[torch.nn.Parameter]) -> bool:
        return [id(param) for param in params] == self._ids

    def close(self) -> None:
        if self.backward is not None:
            self.backward.close()
