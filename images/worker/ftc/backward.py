"""Tells during backward when a bucket has all its gradients, so that it can be sent while the rest is computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from .errors import UsageError
from .layout import Bucket

TWICE = (
    "a parameter got its gradient twice in one backward, after the first had been sent: use checkpoint(…, use_reentrant=False), "
    "or job.register(…, overlap=False)"
)


class Backward:
    """Watches the parameters of all buckets, from its making on. One for a model."""

    def __init__(self, buckets: Sequence[Bucket]) -> None:
        self._sizes = [len(bucket.params) for bucket in buckets]
        self._missing: list[int] = []
        self._next = 0
        self._ready: Callable[[int], None] | None = None
        self._seen: set[int] = set()
        self._twice = False
        self._handles = [
            param.register_post_accumulate_grad_hook(self._hook(index))  # type: ignore[no-untyped-call]
            for index, bucket in enumerate(buckets)
            for param in bucket.params
        ]

    def close(self) -> None:
        """Watches no more."""
        for handle in self._handles:
            handle.remove()

    def run(self, loss: torch.Tensor, ready: Callable[[int], None]) -> int:
        """Runs backward, calls `ready` with each bucket that is full, in order; how many these were.

        `ready` must take the gradients. The last buckets may be missing: a parameter that got none leaves its own unfilled.
        """
        self._missing = list(self._sizes)
        self._next, self._ready, self._twice = 0, ready, False
        self._seen.clear()
        try:
            loss.backward()  # type: ignore[no-untyped-call]
        finally:
            self._ready = None
        if self._twice:
            raise UsageError(TWICE)
        return self._next

    def _hook(self, index: int) -> Callable[[torch.Tensor], None]:
        def grown(param: torch.Tensor) -> None:
            if self._ready is None:
                return
            if id(param) in self._seen:
                self._twice = self._twice or index < self._next
                return
            self._seen.add(id(param))
            self._missing[index] -= 1
            while self._next < len(self._missing) and self._missing[self._next] == 0:
                self._next += 1
                self._ready(self._next - 1)

        return grown
