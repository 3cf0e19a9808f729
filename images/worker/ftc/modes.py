"""What a forward pass depends on besides tensors: whether each module is in training mode, and the numbers that torch's own modules
have as attributes, such as a dropout's `p`. No state holds them, so a worker that joins has what the script begins with.

Attributes of the script's own modules are left alone: many are there to be printed.
"""

from __future__ import annotations

import hashlib
import inspect
from functools import cache
from typing import Any

from torch import nn

Named = dict[str, str]

PLAIN = frozenset((bool, int, float, str))


class Modes:
    """Of one model, as its modules are when this is made."""

    def __init__(self, model: nn.Module) -> None:
        self._places = [(f"model.{path}" if path else "model", vars(module), _keys(module.__class__)) for path, module in model.named_modules()]
        self._values: list[Any] = []
        self._hash = 0
        self.before: Named = {}
        """What they were before they changed last."""
        self.named: Named = {}
        """By the attribute's name, its value as text, when `now` was called last."""

    def now(self) -> int:
        """64 bits, never 0."""
        values = [_plain(held.get(key)) for _, held, keys in self._places for key in keys]
        if values != self._values:
            self._values, self.before = values, self.named
            names = (f"{name}.{key}" for name, _, keys in self._places for key in keys)
            self.named = dict(zip(names, map(repr, values)))
            self._hash = int.from_bytes(hashlib.sha256(repr(self.named).encode()).digest()[:8], "little") | 1
        return self._hash


@cache
def _keys(kind: Any) -> tuple[str, ...]:
    """Of one of torch's own modules, what it is made with: the same in every worker, whatever else the script puts there."""
    if not kind.__module__.startswith("torch.nn."):
        return ("training",)
    names = {*inspect.signature(kind).parameters, *getattr(kind, "__constants__", ())}
    return ("training", *sorted(names - {"device", "dtype", "training"}))


def _plain(value: Any) -> Any:
    return value if type(value) in PLAIN else type(value).__name__


def difference(ours: Named, theirs: Named) -> tuple[str, str, str] | None:
    """The first attribute that differs: its name, and both values."""
    name = next((name for name in (*theirs, *ours) if ours.get(name) != theirs.get(name)), None)
    return None if name is None else (name, ours.get(name, "not there"), theirs.get(name, "not there"))
