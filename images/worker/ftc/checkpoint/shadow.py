"""A copy of a state that is kept and taken again: one run of memory, and the structure around it.

Taking it costs the training what the structure takes to walk. Parameters and the optimizer's state change only when a step
commits: they are copied by another thread until then. All else is copied at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch

from ..contents import DICTS, PLAIN, SEQUENCES, Unkept, attributes, check, dict_of, mapped, naming, plain, plain_key
from ..packing import ALIGN
from ..state import State
from ..tensors import OWN, strides, usable

Path = tuple[str | int, ...]
STRIDED = torch.strided
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
        check(state)
        self._at_once: set[int] = set()
        self._lies: dict[int, tuple[torch.dtype, torch.Size, tuple[int, ...]]] = {}
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
        """Takes numbers and text of a state, and finds the place of each tensor. Raises Differs, and UsageError."""
        self._views, self._tensors = [], []
        try:
            self._fill(state, self.state)
        except Differs:
            raise
        except Exception:
            with naming(state):
                raise
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
        kind = type(value)
        if kind in DICTS:
            if type(there) is not kind or len(value) != len(there):
                raise Differs
            for (key, item), (other, old) in zip(value.items(), there.items()):
                if key is not other and (key != other or type(plain_key(key)) is not type(other)):
                    raise Differs
                if isinstance(item, torch.Tensor):
                    self._pair(item, old)
                else:
                    there[other] = item if type(item) in PLAIN else self._fill(item, old)
            if more := attributes(value):
                vars(there).update(mapped(more, _kept))
            return there
        if isinstance(value, torch.Tensor):
            self._pair(value, there)
            return there
        if kind in SEQUENCES:
            if type(there) is not kind or len(value) != len(there):
                raise Differs
            items = [item if type(item) in PLAIN else self._fill(item, old) for item, old in zip(value, there)]
            return items if kind is list else kind(items)
        return plain(value)

    def _pair(self, tensor: torch.Tensor, view: Any) -> None:
        lies = self._lies.get(id(view))
        if tensor.layout is not STRIDED or tensor.is_meta or type(tensor) not in OWN:
            if not usable(tensor):
                raise Unkept
        if lies is None or tensor.dtype is not lies[0] or tensor.shape != lies[1]:
            raise Differs if usable(tensor) else Unkept
        if tensor.stride() != lies[2] and strides(tensor) != lies[2]:
            raise Differs
        if tensor.is_inference():
            self._at_once.add(id(view))
        self._views.append(view)
        self._tensors.append(tensor)

    def _outline(self, value: Any, path: Path, lasting: Callable[[Path], bool]) -> Any:
        if isinstance(value, torch.Tensor):
            view = self._view(value)
            self._lies[id(view)] = (view.dtype, view.shape, view.stride())
            if value.is_inference() or not lasting(path):
                self._at_once.add(id(view))
            return view
        kind = type(value)
        if kind in DICTS:
            items = [(plain_key(key), self._outline(item, (*path, key), lasting)) for key, item in value.items()]
            return dict_of(kind, items, mapped(attributes(value), _kept))
        if kind in SEQUENCES:
            found = [self._outline(item, (*path, i), lasting) for i, item in enumerate(value)]
            return found if kind is list else kind(found)
        return plain(value)

    def _view(self, tensor: torch.Tensor) -> torch.Tensor:
        """With a storage of its own: torch.save writes storages whole, and each of one dtype."""
        if tensor.numel() == 0:
            return torch.empty_strided(tensor.shape, strides(tensor), dtype=tensor.dtype)
        start = _aligned(self._end)
        self._end = start + tensor.numel() * tensor.element_size()
        part = torch.from_numpy(self.memory.numpy()[start : self._end]).view(tensor.dtype)
        return part.as_strided(tensor.shape, strides(tensor))


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


def _kept(value: Any) -> Any:
    """What holds no tensors, in containers of its own."""
    return mapped(value, _kept) if type(value) in DICTS or type(value) in SEQUENCES else plain(value)


def _copy(pairs: Pairs) -> None:
    """Without holding the interpreter, in turns, so that others get at it in between."""
    start = size = 0
    with torch.no_grad():
        for end, view in enumerate(pairs.views, 1):
            size += view.numel() * view.element_size()
            if size >= TURN or end == len(pairs.views):
                torch._foreach_copy_(pairs.views[start:end], pairs.tensors[start:end])
                start, size = end, 0
