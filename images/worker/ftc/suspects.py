"""Values that changed within a step although none of the steps before had changed them.

It may be the script's doing, from this step on, or a fault in memory. The value is put back and the step is made again: what
changes again is the script's doing. Either way the step's result is what it should be.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch

from .replicas.fingerprint import row_major

SMALL = 1 << 16
"""Bytes."""


class Suspects:
    """One worker's. While `learning`, in the first step that it sees, every change is the script's doing."""

    def __init__(self) -> None:
        self.learning = True
        self._before: set[str] = set()
        self._now: set[str] = set()
        self._confirmed: set[str] = set()

    def changed(self, name: str) -> bool:
        """True: it is the script that changes it. False: that shows when the step is made again."""
        if self.learning or name in self._before:
            self._confirmed.add(name)
            return True
        self._now.add(name)
        return False

    @property
    def any(self) -> bool:
        """Something changed that is put back: the step has to be made again."""
        return bool(self._now) or bool(self._confirmed)

    def close(self) -> list[str]:
        """The attempt's slices have run. Names of what had changed in the one before, and not again: its memory was at fault."""
        faults = sorted(self._before - self._now - self._confirmed)
        self._before, self._now, self._confirmed = self._now, set(), set()
        return faults


def differing(pairs: Iterable[tuple[str, torch.Tensor, torch.Tensor]]) -> list[str]:
    """Names of those whose two values are not the same, bit by bit. Small ones are compared together: each look costs a wait for the device."""
    small: dict[torch.device, list[tuple[str, torch.Tensor, torch.Tensor]]] = {}
    found: list[str] = []
    for name, one, other in pairs:
        if one.shape != other.shape or one.dtype != other.dtype or one.device != other.device:
            found.append(name)
        elif one.numel() * one.element_size() > SMALL:
            found += [] if same_bits(one, other) else [name]
        else:
            small.setdefault(one.device, []).append((name, one, other))
    for group in small.values():
        ours = torch.cat([row_major(one) for _, one, _ in group])
        if not torch.equal(ours, torch.cat([row_major(other) for _, _, other in group])):
            found += [name for name, one, other in group if not same_bits(one, other)]
    return found


def same_bits(one: torch.Tensor, other: torch.Tensor) -> bool:
    """NaN is NaN, and -0.0 is not 0.0."""
    return one.shape == other.shape and one.dtype == other.dtype and torch.equal(row_major(one), row_major(other))
