"""Tensors as a state keeps them: which dtypes and layouts, how a copy lies in memory, and their bytes row by row."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
from torch import nn

DTYPES: dict[str, torch.dtype] = {
    name: getattr(torch, name)
    for name in (
        *("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"),
        *("float16", "bfloat16", "float32", "float64", "complex32", "complex64", "complex128"),
        *("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu"),
        *("bits8", "bits16", "bits1x8", "bits2x4", "bits4x2"),
    )
    if hasattr(torch, name)
}
"""By name. Others (quantized, or of fewer bits than a byte) cannot be copied by torch."""

NAMES = {dtype: name for name, dtype in DTYPES.items()}

OWN = frozenset({torch.Tensor, nn.Parameter})
_PARAMETER: Any = nn.Parameter


def usable(tensor: torch.Tensor) -> bool:
    """It can be kept: its values are all that there is to it."""
    return (
        (type(tensor) in OWN or _bare(type(tensor)))
        and tensor.layout is torch.strided
        and tensor.dtype in NAMES
        and not tensor.is_nested
        and not tensor.is_meta
    )


def problem(tensor: torch.Tensor) -> tuple[str, str] | None:
    """What it is that cannot be kept, and what to do instead; None where it can."""
    if usable(tensor):
        return (f"tensor of {tensor.dtype} whose memory was given back", "it has no values any more") if _freed(tensor) else None
    kind = type(tensor)
    if nn.parameter.is_lazy(tensor):
        return f"{kind.__name__}", "it has no shape yet: send one batch through the model first"
    if kind not in OWN and not _bare(kind):
        return f"{kind.__module__}.{kind.__qualname__}", "it is a tensor of a class of its own: keep the torch.Tensor that it stands for"
    if tensor.is_nested:
        return f"nested tensor of {tensor.dtype}", "keep its parts in a list"
    if tensor.is_meta:
        return f"tensor of {tensor.dtype} on the meta device", "it has no values: move it to a device with to_empty first"
    if tensor.dtype not in NAMES:
        return f"tensor of {tensor.dtype}", "keep it as one of torch's other dtypes"
    layout = str(tensor.layout).removeprefix("torch.").removeprefix("_")
    return f"tensor of {tensor.dtype} with the layout {layout}", "keep it as to_dense() gives it"


def strides(tensor: torch.Tensor) -> tuple[int, ...]:
    """Those of a copy: the tensor's own where its elements fill a run of memory, and else without gaps in the same order.

    Sums over a tensor depend on its order in memory, in their last bits.
    """
    own = tensor.stride()
    if own == rows(tensor.shape) or tensor.is_contiguous():
        return own
    return torch.empty_like(tensor, device="meta").stride()


@lru_cache(maxsize=4096)
def rows(shape: torch.Size) -> tuple[int, ...]:
    """The strides of a tensor that lies row by row."""
    found, step = [], 1
    for size in reversed(shape):
        found.append(step)
        step *= max(size, 1)
    return tuple(reversed(found))


def raw(tensor: torch.Tensor) -> memoryview:
    """Its values in host memory, row by row."""
    host = tensor.detach().resolve_conj().resolve_neg().cpu().contiguous().reshape(-1)
    return memoryview(host.view(torch.uint8).numpy().data)


@lru_cache(maxsize=256)
def _bare(kind: Any) -> bool:
    """A parameter of a class that torch treats like its own: its values are copied into the parameter that is there."""
    same = all(getattr(kind, name) is getattr(_PARAMETER, name) for name in ("__torch_function__", "__torch_dispatch__"))
    return issubclass(kind, nn.Parameter) and same


def _freed(tensor: torch.Tensor) -> bool:
    """Its memory is smaller than the tensor is."""
    if tensor.numel() == 0:
        return False
    gapless = tensor.is_contiguous()
    span = tensor.numel() - 1 if gapless else sum((size - 1) * step for size, step in zip(tensor.shape, tensor.stride()))
    return (tensor.storage_offset() + span + 1) * tensor.element_size() > tensor.untyped_storage().nbytes()
