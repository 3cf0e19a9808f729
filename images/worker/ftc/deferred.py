"""Loads torch sooner: two large parts of it that training in eager mode does not need wait until somebody touches them.

`torch._dynamo` is imported by every optimizer only to ask it for nothing: `graph_break` and `disable` do nothing
while nothing is compiled. A stand-in answers those; any other use (torch.compile, torch.export, a submodule) loads it.
`torch._meta_registrations` gives the "meta" device its kernels. It is loaded when the first tensor is made there, or
when the module is touched. All others of its kind are as torch made them. What is loaded is torch's own, in its own
place: afterwards nothing is different. With a torch that this was not tested with, nothing is deferred.
"""

from __future__ import annotations

import functools
import importlib.util
import re
import sys
import threading
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any, cast

TESTED = ("2.6.",)
"""Versions of torch, by how they begin, for which the tests have shown that both parts can wait."""

DYNAMO, META = "torch._dynamo", "torch._meta_registrations"
PLAIN = frozenset({"__spec__", "__class__", "__dict__", "__name__", "__file__", "__loader__", "__package__", "__cached__"})
"""What the import system and `inspect` ask of every module that is there."""

FACTORIES = ("empty.memory_format", "empty_strided")
"""Every tensor on the meta device begins with one of these."""


def install() -> bool:
    """Before torch is imported. False: this torch is not one to do it with."""
    if "torch" in sys.modules or not version().startswith(TESTED):
        return False
    sys.meta_path.insert(0, _Finder())
    return True


def watch_meta() -> None:
    """After torch is imported: the first tensor on the meta device brings its kernels."""
    import torch

    if not isinstance(sys.modules.get(META), _Deferred):
        return
    library = torch.library.Library("aten", "IMPL")  # type: ignore[no-untyped-call]
    implementations: Any = library.m
    _Finder.trigger = library._destroy

    def first(name: str) -> Callable[..., Any]:
        def make(*args: Any, **kwargs: Any) -> Any:
            _load(META)  # takes this function out
            packet, overload = name.split(".") if "." in name else (name, "default")
            return getattr(getattr(torch.ops.aten, packet), overload)(*args, **kwargs)

        return make

    for name in FACTORIES:
        implementations.impl(name, "Meta", first(name))


def version() -> str:
    """Torch's, without importing it; empty where there is none, or one for GPUs, with which this was not tested."""
    found = importlib.util.find_spec("torch")
    if found is None or found.origin is None:
        return ""
    try:
        text = Path(found.origin).with_name("version.py").read_text(encoding="utf-8")
    except OSError:
        return ""
    if not re.search(r"^cuda\b.*= None", text, re.MULTILINE):
        return ""
    stated = re.search(r"^__version__ = ['\"]([^'\"]+)", text, re.MULTILINE)
    return stated[1] if stated else ""


class _Deferred(ModuleType):
    """A module whose code runs at the first touch of anything that is not in `light`."""

    def __getattribute__(self, name: str) -> Any:
        if name in PLAIN:
            return ModuleType.__getattribute__(self, name)
        own = ModuleType.__getattribute__(self, "__dict__")
        loading: _Loading | None = own.get("_ftc_loading")
        if loading is None:
            return ModuleType.__getattribute__(self, name)
        if name in loading.light and not loading.begun:
            return loading.light[name]
        loading.load(self)
        return ModuleType.__getattribute__(self, name)


def _load(name: str) -> None:
    module = sys.modules.get(name)
    loading: _Loading | None = None if module is None else module.__dict__.get("_ftc_loading")
    if module is not None and loading is not None:
        loading.load(module)


class _Loading:
    """How a deferred module is loaded: once, by whichever thread touches it first; the others wait."""

    def __init__(self, real: Any, before: Callable[[], None], light: dict[str, Any]) -> None:
        self.light = light
        self.begun = False
        self.real = real
        self._before = before
        self._lock = threading.RLock()

    def load(self, module: ModuleType) -> None:
        with self._lock:
            if self.begun:  # this very thread is executing it, or it is loaded
                return
            self.begun = True
            try:
                self._before()
                self.real.exec_module(module)
            except BaseException:
                self.begun = False
                raise
            module.__class__ = ModuleType
            module.__dict__.pop("_ftc_loading", None)


class _Finder:
    """In front of the usual finders, for the two names."""

    trigger: Callable[[], None] = staticmethod(lambda: None)

    @classmethod
    def find_spec(cls, name: str, path: Sequence[str] | None = None, target: Any = None) -> ModuleSpec | None:
        if name not in (DYNAMO, META):
            return None
        spec = PathFinder.find_spec(name, path)
        if spec is None or spec.loader is None:
            return None
        loading = (
            _Loading(spec.loader, lambda: _load(META), _light())  # what is compiled is traced on the meta device
            if name == DYNAMO
            else _Loading(spec.loader, cls.untrigger, {})
        )
        spec.loader = cast(Any, _Loader(loading))
        return spec

    @classmethod
    def untrigger(cls) -> None:
        cls.trigger()
        cls.trigger = lambda: None


class _Loader:
    """Makes the module without running its code."""

    def __init__(self, loading: _Loading) -> None:
        self._loading = loading

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Deferred(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        spec = module.__spec__
        assert spec is not None
        spec.loader = module.__loader__ = self._loading.real
        module.__dict__["_ftc_loading"] = self._loading


def _light() -> dict[str, Any]:
    """What stands in for torch._dynamo while nothing is compiled."""

    def disable(fn: Any = None, recursive: bool = True) -> Any:
        if fn is None:
            return functools.partial(disable, recursive=recursive)
        real: Any = None

        @functools.wraps(fn)
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal real
            module = sys.modules[DYNAMO]
            if isinstance(module, _Deferred):
                return fn(*args, **kwargs)
            real = real or module.disable(fn, recursive)
            return real(*args, **kwargs)

        return call

    return {"graph_break": lambda: None, "disable": disable, "is_compiling": lambda: False}
