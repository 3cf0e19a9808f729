"""Where each parameter's gradient lies in the flat buffers that are added up and sent.

One bucket a dtype. Behind the gradients lies one number a parameter: 1 where the slice gave it a gradient. Added up with
the rest it tells which parameters got none anywhere: those keep `grad = None`, as without ftc.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from .errors import UsageError

Buffers = list[torch.Tensor]
"""One flat tensor a bucket, of shape (padded,)."""


@dataclass(frozen=True)
class Bucket:
    """`length` counts gradients and presence numbers, without padding."""

    dtype: torch.dtype
    device: torch.device
    params: tuple[torch.nn.Parameter, ...]
    offsets: tuple[int, ...]
    elements: int

    @property
    def length(self) -> int:
        return self.elements + len(self.params)


class Layout:
    """`world` decides only the padding: every share of a bucket has the same length."""

    def __init__(self, params: Sequence[torch.nn.Parameter], world: int) -> None:
        self.world = world
        groups: dict[tuple[torch.dtype, torch.device], list[torch.nn.Parameter]] = {}
        for param in params:
            groups.setdefault((param.dtype, param.device), []).append(param)
        self.buckets = [_bucket(dtype, device, group) for (dtype, device), group in groups.items()]

    def share(self, bucket: Bucket) -> int:
        """Elements of a bucket that each worker finishes."""
        return -(-bucket.length // self.world)

    def empty(self) -> Buffers:
        return [torch.zeros(self.share(b) * self.world, dtype=b.dtype, device=b.device) for b in self.buckets]

    def collect(self, into: Buffers) -> None:
        """Takes the gradients of one slice, and leaves the parameters without."""
        for bucket, flat in zip(self.buckets, into):
            there: list[torch.Tensor] = []
            views: list[torch.Tensor] = []
            present = torch.ones(len(bucket.params), dtype=bucket.dtype)
            for index, (param, offset) in enumerate(zip(bucket.params, bucket.offsets)):
                view = flat[offset : offset + param.numel()].view(param.shape)
                if param.grad is None:
                    view.zero_()
                    present[index] = 0
                elif param.grad.is_sparse:
                    raise UsageError("sparse gradients are not supported: use sparse=False")
                else:
                    there.append(param.grad)
                    views.append(view)
                    param.grad = None
            if there:
                torch._foreach_copy_(views, there)
            flat[bucket.elements : bucket.length].copy_(present)

    def deliver(self, total: Buffers) -> None:
        """Gives every parameter its summed gradient, as a view of the buffer."""
        for bucket, flat in zip(self.buckets, total):
            present = (flat[bucket.elements : bucket.length] > 0).tolist()
            for param, offset, there in zip(bucket.params, bucket.offsets, present):
                param.grad = flat[offset : offset + param.numel()].view(param.shape) if there else None


def _bucket(dtype: torch.dtype, device: torch.device, params: list[torch.nn.Parameter]) -> Bucket:
    offsets, end = [], 0
    for param in params:
        offsets.append(end)
        end += param.numel()
    return Bucket(dtype, device, tuple(params), tuple(offsets), end)
