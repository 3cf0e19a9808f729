"""A copy of a state that is kept and taken again: one run of memory, and the structure around it.

Taking it costs the training what the structure takes to walk. Parameters and the optimizer's state change only when a step
commits: they are copied by another thread until then. All else is copied at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

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


class Copy:
    """What is still to be copied. `run` by one thread, `exact` by the one that trains."""

    def __init__(self, views: list[torch.Tensor], tensors: list[torch.Tensor]) -> None:
        self._views = views
        self._tensors = tensors
        self._versions = [tensor._version for tensor in tensors]
        self._failed = False
        self.done = threading.Event()

    def run(self) -> None:
        """Returns when all is copied, or cannot be."""
        try:
            _copy(self._views, self._tensors)
        except Exception:  # told by `exact`: the next copy is made where its errors are seen
            self._failed = True
        finally:
            self.done.set()

    @property
    def exact(self) -> bool:
        """After `done`, before anything changes: what was copied is the state as it was at the beginning."""
        return not self._failed and [tensor._version for tensor in self._tensors] == self._versions

    def changed(self) -> list[torch.Tensor]:
        """The views whose tensors did not stay as they were."""
        return [v for v, t, version in zip(self._views, self._tensors, self._versions) if t._version != version]


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

    def take(self, state: State, *, whole: bool = False) -> Copy:
        """The state as it is now. The Copy is to be run; with `whole`, nothing is left for it. Raises Differs."""
        self._views, self._tensors = [], []
        self._fill(state, self.state)
        views, tensors, at_once = self._views, self._tensors, self._at_once
        self._views, self._tensors = [], []  # a tensor that the script lets go must not live on here
        if whole or at_once:
            if self._touched is not None:  # what is copied behind comes after it anyway
                self._touched.wait()
                self._touched = None
            now = [whole or id(view) in at_once for view in views]
            _copy([v for v, n in zip(views, now) if n], [t for t, n in zip(tensors, now) if n])
            views = [v for v, n in zip(views, now) if not n]
            tensors = [t for t, n in zip(tensors, now) if not n]
        return Copy(views, tensors)

    def _fill(self, value: Any, there: Any) -> Any:
        """What stands at one place from now on; views are collected with the tensors that go there."""
        if isinstance(value, dict):
            if type(there) is not dict or value.keys() != there.keys():
                raise Differs
            for key, item in value.items():
                old = there[key]
                if isinstance(item, torch.Tensor):
                    if not isinstance(old, torch.Tensor):
                        raise Differs
                    self._views.append(old)
                    self._tensors.append(item)
                else:
                    there[key] = item if type(item) in PLAIN else self._fill(item, old)
            return there
        if isinstance(value, torch.Tensor):
            if not isinstance(there, torch.Tensor):
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


def _copy(views: list[torch.Tensor], tensors: list[torch.Tensor]) -> None:
    """Without holding the interpreter, in turns, so that others get at it in between. Raises Differs."""
    if any(v.dtype != t.dtype or v.shape != t.shape for v, t in zip(views, tensors)):
        raise Differs
    start = size = 0
    with torch.no_grad():
        for end, view in enumerate(views, 1):
            size += view.numel() * view.element_size()
            if size >= TURN or end == len(views):
                torch._foreach_copy_(views[start:end], tensors[start:end])
                start, size = end, 0
