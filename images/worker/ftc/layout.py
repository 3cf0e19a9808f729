"""Where each parameter's gradient lies in the flat buffers that are added up and sent.

Buckets hold parameters in the order in which backward reaches them, so that one is full, and can be sent, while the rest
is still being computed. Behind a bucket's gradients lies one number a parameter: 1 where the slice gave it a gradient.
Added up with the rest it tells which parameters got none anywhere: those keep `grad = None`, as without ftc.
How parameters are cut into buckets changes no bit: every element is added up by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

BUCKET_BYTES = 25 << 20
"""A bucket is closed when it holds this much, as DistributedDataParallel's by default."""

MOST_WORKERS = 1024
"""Elements of padding behind every bucket: shares of equal length for any number of workers."""


@dataclass(frozen=True)
class Bucket:
    """`length` counts gradients and presence numbers, `capacity` the memory behind them. `dtype` is a real one."""

    dtype: torch.dtype
    device: torch.device
    params: tuple[torch.nn.Parameter, ...]
    offsets: tuple[int, ...]
    elements: int

    @property
    def length(self) -> int:
        return self.elements + len(self.params)

    @property
    def capacity(self) -> int:
        return self.length + MOST_WORKERS

    @property
    def bytes(self) -> int:
        """Of what is sent of one node."""
        return self.length * self.dtype.itemsize

    def share(self, world: int) -> int:
        """Elements that each of `world` workers finishes."""
        return -(-self.length // world)

    def empty(self) -> torch.Tensor:
        """Memory for one node: shape (capacity,)."""
        return torch.zeros(self.capacity, dtype=self.dtype, device=self.device)

    def collect(self, into: torch.Tensor) -> None:
        """Takes the gradients of one slice, and leaves the parameters without."""
        there: list[torch.Tensor] = []
        views: list[torch.Tensor] = []
        absent: list[int] = []
        for index, (param, offset) in enumerate(zip(self.params, self.offsets)):
            view = self._view(into, param, offset)
            if param.grad is None:
                view.zero_()
                absent.append(self.elements + index)
            else:
                there.append(param.grad if param.grad.layout == torch.strided else param.grad.to_dense())
                views.append(view)
                param.grad = None
        if there:
            torch._foreach_copy_(views, there)
        into[self.elements : self.length].fill_(1)
        if absent:
            into[absent] = 0

    def deliver(self, total: torch.Tensor) -> None:
        """Gives every parameter its summed gradient, as a view of the buffer."""
        present = total[self.elements : self.length].tolist()
        for param, offset, there in zip(self.params, self.offsets, present):
            param.grad = self._view(total, param, offset) if there > 0 else None

    def _view(self, flat: torch.Tensor, param: torch.nn.Parameter, offset: int) -> torch.Tensor:
        """A parameter's place. Complex numbers lie there as pairs of real ones."""
        if not param.is_complex():
            return flat[offset : offset + param.numel()].view(param.shape)
        return torch.view_as_complex(flat[offset : offset + 2 * param.numel()].view(*param.shape, 2))


def buckets(params: Sequence[torch.nn.Parameter], size: int = BUCKET_BYTES) -> list[Bucket]:
    """All parameters, from the last registered to the first; one type and device a bucket."""
    closed: list[Bucket] = []
    filling: dict[tuple[torch.dtype, torch.device], list[torch.nn.Parameter]] = {}
    for param in reversed(params):
        kind = (param.dtype, param.device)
        group = filling.setdefault(kind, [])
        group.append(param)
        if sum(p.numel() * p.element_size() for p in group) >= size:
            closed.append(_bucket(*kind, filling.pop(kind)))
    return closed + [_bucket(*kind, group) for kind, group in filling.items()]


def _bucket(dtype: torch.dtype, device: torch.device, params: list[torch.nn.Parameter]) -> Bucket:
    offsets, end = [], 0
    for param in params:
        offsets.append(end)
        end += param.numel() * (2 if param.is_complex() else 1)
    return Bucket(dtype.to_real(), device, tuple(params), tuple(offsets), end)
