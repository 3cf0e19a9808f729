"""A copy of a state that is kept and taken again: one run of memory, and the structure around it.

Taking it costs the training what the structure takes to walk. Parameters and the optimizer's state change only when a step
commits: they are copied by another thread until then. All else is copied at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch

from ..errors import UsageError
from ..packing import ALIGN
from ..state import State

Path = tuple[str | int, ...]
PLAIN = frozenset({bool, int, float, str, type(None)})
TURN = 1 << 25
"""Bytes copied in one call, about."""


class Differs(Exception):
    """A state has another structure than the shadow, or tensors of another kind."""


class Pairs(NamedTuple):
    """Views of the shadow's memory, and the tensors that go there."""

    views: list[torch.Tensor]
    tensors: list[torch.Tensor]


class Copy:
    """What is still to be copied. `run` by one thread; `exact` and `changed` by the one that trains, after `done` was released."""

    def __init__(self, pairs: Callable[[], Pairs], watched: list[torch.Tensor]) -> None:
        """`pairs` are asked for by `run`. `watched` must stay as they are now."""
        self._pairs = pairs
        self._watched = watched
        self._versions = [tensor._version for tensor in watched]
        self._found = Pairs([], [])
        self._failed = False
        self.done = threading.Lock()
        """Held until all is copied, or cannot be."""
        self.done.acquire()

    def run(self) -> None:
        try:
            self._found = self._pairs()
            _copy(self._found)
        except Exception:  # told by `exact`: the next copy is made where its errors are seen
            self._failed = True
        finally:
            self.done.release()

    @property
    def exact(self) -> bool:
        """Before anything changes: what was copied is the state as it was at the beginning."""
        return not self._failed and [tensor._version for tensor in self._watched] == self._versions

    def changed(self) -> list[torch.Tensor]:
        """The views of those that did not stay as they were."""
        ids = {id(t) for t, version in zip(self._watched, self._versions) if t._version != version}
        return [view for view, tensor in zip(*self._found) if id(tensor) in ids]


class Shadow:
    """The copy of one state. `lasting` tells by its place whether a tensor stays until the next commit.

    Raises UsageError for what a checkpoint cannot hold.
    """

    def __init__(self, state: State, lasting: Callable[[Path], bool], reuse: torch.Tensor | None = None) -> None:
        self._at_once: set[int] = set()
        end = _measure(state, 0)
        fits = reuse is not None and reuse.numel() >= end
        self.memory: torch.Tensor = reuse if fits and reuse is not None else torch.empty(end, dtype=torch.uint8)
        self._end = 0
        self.state: State = self._outline(state, (), lasting)
        self._touched: threading.Event | None = None
        self._views: list[torch.Tensor] = []
        self._tensors: list[torch.Tensor] = []

    def touching(self) -> Callable[[], None]:
        """To be run by the thread that runs copies, before them: makes the memory's pages present."""
        touched = self._touched = threading.Event()

        def touch() -> None:
            try:
                self.memory.zero_()
            finally:
                touched.set()

        return touch

    def restless(self, views: list[torch.Tensor]) -> None:
        """From now on these are copied at once."""
        self._at_once.update(map(id, views))

    def pair(self, state: State) -> Pairs:
        """Takes numbers and text of a state, and finds the place of each tensor. Raises Differs."""
        self._fill(state, self.state)
        found = Pairs(self._views, self._tensors)
        self._views, self._tensors = [], []  # a tensor that the script lets go must not live on here
        return found

    def copy_at_once(self, pairs: Pairs, *, whole: bool) -> Pairs:
        """Copies what does not last, or all of it. Returns what is left."""
        if not (whole or self._at_once):
            return pairs
        if self._touched is not None:  # what is copied behind comes after it anyway
            self._touched.wait()
            self._touched = None
        now, later = Pairs([], []), Pairs([], [])
        for view, tensor in zip(*pairs):
            part = now if whole or id(view) in self._at_once else later
            part.views.append(view)
            part.tensors.append(tensor)
        _copy(now)
        return later

    def _fill(self, value: Any, there: Any) -> Any:
        """What stands at one place from now on; views are collected with the tensors that go there."""
        if isinstance(value, dict):
            if type(there) is not dict or value.keys() != there.keys():
                raise Differs
            for key, item in value.items():
                old = there[key]
                if isinstance(item, torch.Tensor):
                    if not isinstance(old, torch.Tensor) or old.shape != item.shape or old.dtype != item.dtype:
                        raise Differs
                    self._views.append(old)
                    self._tensors.append(item)
                else:
                    there[key] = item if type(item) in PLAIN else self._fill(item, old)
            return there
        if isinstance(value, torch.Tensor):
            if not isinstance(there, torch.Tensor) or there.shape != value.shape or there.dtype != value.dtype:
                raise Differs
            self._views.append(there)
            self._tensors.append(value)
            return there
        if isinstance(value, (list, tuple)):
            kind = list if isinstance(value, list) else tuple
            if type(there) is not kind or len(value) != len(there):
                raise Differs
            return kind([item if type(item) in PLAIN else self._fill(item, old) for item, old in zip(value, there)])
        return _plain(value, "state")

    def _outline(self, value: Any, path: Path, lasting: Callable[[Path], bool]) -> Any:
        if isinstance(value, torch.Tensor):
            view = self._view(value)
            if value.is_inference() or not lasting(path):
                self._at_once.add(id(view))
            return view
        if isinstance(value, dict):
            for key in value:
                if not isinstance(key, (str, int)):
                    raise UsageError(f"{_name(path)}: keys of {type(key).__name__} cannot be kept in a checkpoint")
            return {key: self._outline(item, (*path, key), lasting) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            items = [self._outline(item, (*path, i), lasting) for i, item in enumerate(value)]
            return items if isinstance(value, list) else tuple(items)
        return _plain(value, _name(path))

    def _view(self, tensor: torch.Tensor) -> torch.Tensor:
        """With a storage of its own: torch.save writes storages whole, and each of one dtype."""
        if tensor.numel() == 0:
            return torch.empty(tensor.shape, dtype=tensor.dtype)
        start = _aligned(self._end)
        self._end = start + tensor.numel() * tensor.element_size()
        part = torch.from_numpy(self.memory.numpy()[start : self._end])
        return part.view(tensor.dtype).view(tensor.shape)


def _measure(value: Any, end: int) -> int:
    """Bytes of all tensors, each aligned, behind so many."""
    if isinstance(value, torch.Tensor):
        return _aligned(end) + value.numel() * value.element_size()
    if isinstance(value, (dict, list, tuple)):
        for item in value.values() if isinstance(value, dict) else value:
            end = _measure(item, end)
    return end


def _aligned(end: int) -> int:
    return -(-end // ALIGN) * ALIGN


def _plain(value: Any, name: str) -> Any:
    """Of subclasses (an Enum of texts, numpy's float64) the plain value."""
    if type(value) in PLAIN:
        return value
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind.__str__(value) if kind is str else kind(value)
    raise UsageError(f"{name}: a {type(value).__name__} cannot be kept in a checkpoint")


def _name(path: Sequence[str | int]) -> str:
    return ".".join(["state", *map(str, path)])


def _copy(pairs: Pairs) -> None:
    """Without holding the interpreter, in turns, so that others get at it in between."""
    start = size = 0
    with torch.no_grad():
        for end, view in enumerate(pairs.views, 1):
            size += view.numel() * view.element_size()
            if size >= TURN or end == len(pairs.views):
                torch._foreach_copy_(pairs.views[start:end], pairs.tensors[start:end])
                start, size = end, 0
