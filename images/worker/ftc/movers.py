"""Parameters that the script's own code changes within a slice: a momentum encoder, clamped or renormalised weights.

In the first attempt at a step all parameters are copied, and compared after the slices: what has changed moves by itself, and is
treated as buffers are from then on. Parameters of up to WATCHED bytes are copied in every step. One of these that changes later is
put back, and the step is made again: if it changes again, it moves by itself; if not, its memory was at fault, and nothing of
that is left. Of larger ones a change that begins later is seen (by its version, by some of its elements, or by the replica check), but
the value before it is gone: that is refused by name.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from .suspects import Suspects, differing, same_bits

WATCHED = 1 << 19
"""Bytes of parameters, all together, that are copied in every step."""


PICKED = 16
"""Elements of each parameter that are copied in every step where all would be too many."""


class Movers:
    """`params` by their names in the registered state."""

    def __init__(self, params: Sequence[tuple[str, nn.Parameter]], suspects: Suspects) -> None:
        self._params = list(params)
        self._suspects = suspects
        self._always = sum(p.numel() * p.element_size() for _, p in self._params) <= WATCHED
        self._found: dict[str, nn.Parameter] = {}
        self._start: dict[str, torch.Tensor] = {}
        self._images: dict[torch.device, _Image] = {}
        self._versions: list[tuple[int, int]] = []
        self._picks = _Picks([p for _, p in self._params])

    @property
    def found(self) -> list[str]:
        return list(self._found)

    @property
    def start(self) -> dict[str, torch.Tensor]:
        """What those that move were when the step began."""
        return self._start

    def steady(self) -> list[str]:
        """Of those that move: which are not what they were when the step began, although no code of the script has run. They are put back."""
        found = differing((name, self._found[name], value) for name, value in self._start.items())
        with torch.no_grad():
            for name in found:
                self._found[name].copy_(self._start[name])
        return found

    def begin(self) -> None:
        """A step begins. What is there now is what every slice starts from."""
        self._start = {name: param.detach().clone() for name, param in self._found.items()}
        self._versions = self._now()
        if self._always or self._suspects.learning:
            if not self._images:
                self._images = _images([p for _, p in self._params])
            for image in self._images.values():
                image.take()
        else:
            self._picks.take([where for _, where in self._versions])

    def look(self) -> bool:
        """After a slice. Parameters that have changed, and were not known to, are put back by `rewind`. Whether there are any."""
        fresh = False
        for name, param in self._changed():
            before = self._images[param.device].of(param)
            self._start[name] = before.clone()
            if self._suspects.changed(name):
                self._found[name] = param
            else:
                with torch.no_grad():
                    param.copy_(before)
                del self._start[name]
            fresh = True
        return fresh

    def lost(self) -> list[str]:
        """Those that have changed in this step although nothing of them was copied."""
        if self._images:
            return []
        pairs = zip(self._params, self._versions, self._now())
        moved = {name for (name, _), before, after in pairs if before != after}
        if not moved:  # `.data` and numpy's views are not counted in a version
            moved = {self._params[number][0] for number in self._picks.moved()}
        return [name for name, _ in self._params if name in moved and name not in self._found]

    def passed(self) -> None:
        """A whole step was seen."""
        if not self._always:
            self._images = {}

    def rewind(self) -> None:
        with torch.no_grad():
            for name, value in self._start.items():
                self._found[name].copy_(value)

    def values(self) -> list[tuple[str, torch.Tensor]]:
        return [(name, param.detach().clone()) for name, param in self._found.items()]

    def put(self, name: str, value: torch.Tensor) -> bool:
        """Sets a parameter, which moves by itself in rank 0. False: there is none of that name."""
        param = next((p for own, p in self._params if own == name), None)
        if param is None:
            return False
        self._found[name] = param
        with torch.no_grad():
            param.copy_(value)
        return True

    def _now(self) -> list[tuple[int, int]]:
        return [(p._version, p.data_ptr()) for _, p in self._params]

    def _changed(self) -> list[tuple[str, nn.Parameter]]:
        """Not of those that are known to. While learning, also those that were written to with the same values."""
        if not self._images:
            return []
        written = [name for (name, _), before, after in zip(self._params, self._versions, self._now()) if before != after]
        touched = set(written) if self._suspects.learning else set()
        if not touched and all(image.same() for image in self._images.values()):
            return []
        return [
            (name, param)
            for name, param in self._params
            if name not in self._found and (name in touched or not same_bits(self._images[param.device].of(param), param))
        ]


class _Image:
    """A copy of some parameters of one device in one run of memory, and room for a second to compare it with."""

    def __init__(self, params: list[nn.Parameter], device: torch.device) -> None:
        self._params = params
        self._views: list[list[torch.Tensor]] = [[], []]
        ends = [0]
        for param in params:
            ends.append(-(-(ends[-1] + param.numel() * param.element_size()) // 16) * 16)
        self._memory = [torch.zeros(ends[-1], dtype=torch.uint8, device=device) for _ in range(2)]
        for memory, views in zip(self._memory, self._views):
            for param, start in zip(params, ends):
                part = memory[start : start + param.numel() * param.element_size()]
                views.append(part.view(param.dtype).view(param.shape))
        self._place = {id(param): number for number, param in enumerate(params)}

    def take(self) -> None:
        self._copy(0)

    def same(self) -> bool:
        self._copy(1)
        return torch.equal(self._memory[0], self._memory[1])

    def of(self, param: nn.Parameter) -> torch.Tensor:
        return self._views[0][self._place[id(param)]]

    def _copy(self, which: int) -> None:
        with torch.no_grad():
            torch._foreach_copy_(self._views[which], [p.detach() for p in self._params])


class _Picks:
    """A few elements of each parameter, as they were when a step began."""

    def __init__(self, params: list[nn.Parameter]) -> None:
        self._params = params
        self._where: list[int] = []
        self._kinds: dict[tuple[torch.dtype, torch.device], list[tuple[int, torch.Tensor]]] = {}
        self._before: list[torch.Tensor] = []

    def take(self, where: list[int]) -> None:
        """`where`: each parameter's memory now."""
        if where != self._where:
            self._where, self._kinds = where, {}
            for number, param in enumerate(self._params):
                self._kinds.setdefault((param.dtype, param.device), []).append((number, _picked(param)))
        self._before = self._now()

    def moved(self) -> list[int]:
        """Of which parameters two elements or more are others: one alone may be a bit that has flipped, which is for the replica check."""
        found: list[int] = []
        for views, before, after in zip(self._kinds.values(), self._before, self._now()):
            if torch.equal(before, after):
                continue
            different = (before != after).any(1)
            for (number, view), part in zip(views, torch.split(different, [view.numel() for _, view in views])):
                if int(part.sum()) > 1:
                    found.append(number)
        return found

    def _now(self) -> list[torch.Tensor]:
        """By dtype and device: uint8 of shape (elements, bytes of one)."""
        found = [(dtype, torch.cat([view for _, view in views])) for (dtype, _), views in self._kinds.items()]
        return [flat.view(torch.uint8).view(-1, dtype.itemsize) for dtype, flat in found]


def _picked(param: nn.Parameter) -> torch.Tensor:
    """A view of PICKED elements, or all of fewer: side by side, which is read fastest, and not at the edge, where padding stands."""
    whole = param.detach()
    flat = whole.view(-1) if whole.is_contiguous() else whole[(0,) * (whole.dim() - 1)]
    start = max(0, flat.numel() // 2 - PICKED // 2)
    return flat[start : start + PICKED]


def _images(params: Sequence[nn.Parameter]) -> dict[torch.device, _Image]:
    devices = {param.device for param in params}
    return {device: _Image([p for p in params if p.device == device], device) for device in devices}
