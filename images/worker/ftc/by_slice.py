"""Registered state that changes from slice to slice although no tensor of a module does: a generator that slices draw from, a number that
forward counts up, a learning rate that is lowered with every slice instead of every step.

What becomes of it depends on how many slices a worker carries. Where all carry as many, their replicas stay alike, and comparing them
shows nothing. A worker that carries two slices or more sees it by itself: after its first slice and after its last one, that state
is the same in a script that changes it once a step.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from .contents import naming
from .digest import leaves
from .replicas.leaves import kind
from .state import Registered
from .tensors import raw, usable

SMALL = 1 << 16
"""Bytes: larger tensors are not looked at."""


class BySlice:
    """One worker's, for the objects that are registered now."""

    def __init__(self, own: Registered) -> None:
        self._own = own
        own_state = nn.Module.get_extra_state
        self._telling = [
            (f"{prefix}{path}._extra_state" if path else f"{prefix}_extra_state", module)
            for prefix, owner in own.modules
            for path, module in owner.named_modules()
            if type(module).get_extra_state is not own_state
        ]
        self._first: dict[str, Any] = {}

    def first(self) -> None:
        """The attempt's first slice has run."""
        self._first = self._told()

    def changed(self) -> str:
        """After a later slice of the attempt: what has changed since the first one, by its name in the state; empty where nothing has."""
        now = self._told()
        return "" if now == self._first else next(name for name in (*now, *self._first) if now.get(name) != self._first.get(name))

    def _told(self) -> dict[str, Any]:
        own = self._own
        state: dict[str, Any] = {f"extra.{name}": item.state_dict() for name, item in own.extra.items() if not isinstance(item, nn.Module)}
        state.update((name, module.get_extra_state()) for name, module in self._telling)
        with naming(state):
            found = {name: _bits(value) for name, value in leaves(state)}
        for place, optimizer in own.named_optimizers():
            for number, group in enumerate(optimizer.param_groups):
                found.update(
                    (f"{place}.param_groups.{number}.{key}", value) for key, value in group.items() if isinstance(value, (int, float))
                )
        return found


def _bits(value: Any) -> Any:
    if not isinstance(value, torch.Tensor):
        return kind(value)
    small = usable(value) and value.numel() * value.element_size() <= SMALL
    return (value.dtype, tuple(value.shape), bytes(raw(value)) if small else b"")
