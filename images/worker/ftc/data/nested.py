"""Tensors in whatever a collate function makes: they are moved, and all around them stays as it is."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import torch


def to_device(data: Any, device: torch.device) -> Any:
    """The same with its tensors on the device; from pinned memory the copy runs beside the caller."""
    return _mapped(data, lambda t: t.to(device, non_blocking=t.is_pinned()), lambda item: item.to(device), "to")


def pinned(data: Any) -> Any:
    """The same with its tensors in page-locked memory. Needs an accelerator."""
    return _mapped(data, lambda t: t.pin_memory(), lambda item: item.pin_memory(), "pin_memory")


def _mapped(data: Any, move: Callable[[torch.Tensor], Any], ask: Callable[[Any], Any], method: str) -> Any:
    """`move` gets each tensor; `ask` what has a method of its own for it, such as a tokenizer's or a graph's batch."""

    def inside(item: Any) -> Any:
        return _mapped(item, move, ask, method)

    if isinstance(data, torch.Tensor):
        return move(data)
    if data is None or isinstance(data, (str, bytes, int, float, complex, type)):
        return data
    if type(data) in (tuple, list):
        return type(data)(map(inside, data))
    if type(data) is dict:
        return {key: inside(item) for key, item in data.items()}
    if callable(getattr(data, method, None)):
        return ask(data)
    if isinstance(data, tuple):
        items = list(map(inside, data))
        return type(data)(*items) if hasattr(data, "_fields") else type(data)(items)
    if isinstance(data, Mapping):
        return _mapping(data, inside)
    if isinstance(data, Sequence):
        return _sequence(data, inside)
    if dataclasses.is_dataclass(data):
        moved = copy.copy(data)  # not made anew: what its __init__ does was done
        for field in dataclasses.fields(data):
            if hasattr(data, field.name):
                object.__setattr__(moved, field.name, inside(getattr(data, field.name)))
        return moved
    return data


def _mapping(data: Mapping[Any, Any], inside: Callable[[Any], Any]) -> Any:
    """A copy of its own kind, which may be more than keys and values; a dict where that cannot be made."""
    items = {key: inside(item) for key, item in data.items()}
    if isinstance(data, MutableMapping):
        moved = copy.copy(data)
        moved.update(items)
        return moved
    try:
        return type(data)(items)  # type: ignore[call-arg]
    except TypeError:
        return items


def _sequence(data: Sequence[Any], inside: Callable[[Any], Any]) -> Any:
    items = [inside(item) for item in data]
    if isinstance(data, MutableSequence):
        moved = copy.copy(data)
        for number, item in enumerate(items):
            moved[number] = item
        return moved
    return data if all(a is b for a, b in zip(items, data)) else items
