"""What cannot be trained to the same bits, said at `register` in words for the script's author."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from .errors import UsageError

FLOAT8 = tuple(getattr(torch, name) for name in dir(torch) if name.startswith("float8_"))


def optimizers(given: Sequence[torch.optim.Optimizer]) -> None:
    """Raises UsageError."""
    for optimizer in given:
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise UsageError(f"register: optimizer is a {type(optimizer).__name__}, and a torch.optim.Optimizer is needed, or a list of them")
        if isinstance(optimizer, torch.optim.LBFGS):
            raise UsageError(
                "register: LBFGS evaluates the loss several times in a step, each time over the whole batch, which is spread over the "
                "workers and reduced once. Use an optimizer that takes one gradient a step, such as Adam or SGD"
            )
        if isinstance(optimizer, torch.optim.SparseAdam):
            raise UsageError("register: SparseAdam takes sparse gradients only, and gradients are summed as dense ones. Use Adam")
    seen: set[int] = set()
    for optimizer in given:
        for param in {id(p): p for group in optimizer.param_groups for p in group["params"]}.values():
            if id(param) in seen:
                raise UsageError(f"register: a parameter of shape {list(param.shape)} is in two optimizers; each belongs into one")
            seen.add(id(param))


def parameters(named: Sequence[tuple[str, torch.Tensor]]) -> None:
    """Raises UsageError for kinds that cannot be reduced, sent and kept."""
    for name, param in named:
        problem = _problem(param)
        if problem:
            raise UsageError(f"register: parameter {name} {problem}")


def scaler(given: Any, trained: Sequence[tuple[str, nn.Parameter]]) -> None:
    """Raises UsageError for parameters whose gradients it cannot unscale: it is tried, with one number of each kind."""
    seen: set[tuple[torch.dtype, torch.device]] = set()
    for name, param in trained:
        kind = (param.dtype, param.device)
        if kind in seen:
            continue
        seen.add(kind)
        one = nn.Parameter(torch.zeros(1, dtype=param.dtype, device=param.device))
        one.grad = torch.zeros_like(one)
        tried = copy.deepcopy(given)
        tried.scale(torch.zeros((), device=param.device))
        try:
            tried.unscale_(torch.optim.SGD([one], lr=0.0))
        except (ValueError, RuntimeError) as error:
            raise UsageError(
                f"scaler: parameter {name} has the dtype {param.dtype}, and {type(given).__name__} cannot unscale gradients of that ({error}): keep "
                "such parameters in float32, with torch.autocast around the forward pass, or leave the scaler out"
            ) from None


def buffer(name: str, value: torch.Tensor, where: str = "register: ") -> None:
    """Raises UsageError for kinds that cannot be sent and kept."""
    if value.layout != torch.strided:
        raise UsageError(f"{where}buffer {name} is sparse (layout {value.layout}), and only dense buffers are supported: use to_dense()")
    if value.is_quantized:
        raise UsageError(f"{where}buffer {name} is quantized ({value.dtype}): keep its integers in a buffer and its scale in another")
    if value.is_meta:
        raise UsageError(f"{where}buffer {name} is on the meta device, where no numbers are: move the model to job.device with to_empty")


def _problem(param: torch.Tensor) -> str:
    if isinstance(param, (nn.parameter.UninitializedParameter, nn.parameter.UninitializedBuffer)):
        return "has no shape yet: run one forward pass (with a batch of the data's shape) before job.register"
    if param.is_meta:
        return "is on the meta device, where no numbers are: move the model to job.device with to_empty, and initialise it"
    if param.layout != torch.strided:
        return f"is sparse (layout {param.layout}), and only dense parameters are supported: use to_dense()"
    if param.is_quantized:
        return f"is quantized ({param.dtype}): train it in a floating-point dtype"
    if param.dtype in FLOAT8:
        return f"has the dtype {param.dtype}, in which gradients cannot be added: use bfloat16, float16 or float32"
    if torch._debug_has_internal_overlap(param) == 1:
        return "is an expanded tensor, of which several elements share one place in memory: use contiguous()"
    return ""
