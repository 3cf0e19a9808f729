"""What a script may give to `job.log`."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from typing import Any

import torch

from .errors import UsageError

RESERVED = "step"
"""Every line of `metrics.jsonl` has these from ftc."""
LONGEST_NAME = 200
MOST = 1000
"""Metrics in one call. A name for each step or layer and epoch is not meant: each is a column."""


def checked(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The numbers by name; some may not be finite. Raises UsageError, which names the metric.

    A value is a Python number, a numpy scalar, or a tensor or array of one element.
    """
    if len(metrics) > MOST:
        raise UsageError(f"job.log got {len(metrics)} metrics at once, and {MOST} are possible")
    return {_name(name): _number(name, value) for name, value in metrics.items()}


def _name(name: Any) -> str:
    if not isinstance(name, str) or not name or name == "__proto__":
        raise UsageError(f"job.log: {name!r} cannot be the name of a metric: give a text that is not empty")
    if len(name) > LONGEST_NAME:
        raise UsageError(f"job.log: the name {name[:40]!r}… has {len(name)} characters, and {LONGEST_NAME} are possible")
    if name == RESERVED:
        raise UsageError(f"job.log: {name!r} is written by ftc for every step: give the metric another name, such as 'my_{name}'")
    return name


def _number(name: str, value: Any) -> float:
    one = _element(name, value)
    if isinstance(one, numbers.Real):
        try:
            return float(one)
        except OverflowError:
            raise UsageError(f"job.log: {name!r} is larger than any float") from None
    raise UsageError(f"job.log: {name!r} is {_short(one)}: give a number, or a tensor of one element")


def _element(name: str, value: Any) -> Any:
    """Of a tensor or an array the only one; anything else as it is."""
    size = value.numel() if isinstance(value, torch.Tensor) else getattr(value, "size", None)
    if not hasattr(value, "item") or not isinstance(size, int):
        return value
    if size != 1:
        raise UsageError(f"job.log: {name!r} has {size} elements: give a number, such as {name}.mean()")
    return value.item()


def _short(value: Any) -> str:
    text = repr(value)
    return f"{text[:40]}… ({type(value).__name__})" if len(text) > 40 else f"{text} ({type(value).__name__})"
