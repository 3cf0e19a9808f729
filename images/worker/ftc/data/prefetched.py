"""Slices of coming steps, prepared by processes of their own while the training computes.

Why not a DataLoader with a sampler of ours: its iterator hands out what was asked for in one fixed order, so slices that
another worker carries by now would have to be waited for; its processes share one queue, which one that is killed can leave
locked; and the death of one ends it. Here each process has a pipe each way, so what happens to one concerns no other. What a
process does, and how tensors travel (shared memory), is torch's own.

A process that is killed is replaced, and what it had not answered is made again: a slice is a function of its step and its
virtual rank, wherever it is made.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import wait
from typing import Any

import torch

from ..errors import UsageError
from ..slices import Slice
from .loader import Loader, Lost
from .loader_process import Start
from .nested import pinned
from .options import Loading
from .recipe import Recipe
from .source import Source

FORGIVEN = 1000
"""Slices after which a lost process is no longer held against the next: then they do not end for one reason."""

Key = tuple[int, int]


class LoaderError(RuntimeError):
    """Loader processes end again and again, or do not answer."""


class Prefetched(Source):
    """`samples`: of an epoch. The processes start at once, and stay until `close`."""

    def __init__(self, recipe: Recipe, samples: int, loading: Loading, pin: bool) -> None:
        self._samples = samples
        self._loading = loading
        self._context = _context(loading.multiprocessing_context)
        self._pinning = ThreadPoolExecutor(1, "ftc-pin") if pin else None
        self._recipe = recipe
        self._numbers = itertools.count()
        self._queue: list[Slice] = []
        self._ready: dict[Key, tuple[str, Any]] = {}
        self._since_loss = FORGIVEN
        self._loaders = [self._started(number) for number in range(loading.processes)]
        self.ahead = loading.processes * loading.prefetch

    def __len__(self) -> int:
        return self._samples

    def expect(self, coming: Sequence[Slice]) -> None:
        keys = {wanted.key for wanted in coming}
        self._ready = {key: found for key, found in self._ready.items() if key in keys}
        for loader in list(self._loaders):
            with self._surviving(loader):
                loader.forget([number for number, wanted in loader.making.items() if wanted.key not in keys])
        known = self._known()
        self._queue = [wanted for wanted in coming if wanted.key not in known]
        self._drain(0)
        self._fill()

    def fetch(self, wanted: Slice) -> Any:
        until = time.monotonic() + self._loading.timeout if self._loading.timeout else None
        self._drain(0)
        while wanted.key not in self._ready:
            if wanted.key not in self._known():  # nobody expected it, or the process that made it is gone
                self._queue = [wanted, *(other for other in self._queue if other.key != wanted.key)]
            self._fill(urgent=wanted.key)
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                limit = f"timeout={self._loading.timeout} seconds"
                raise LoaderError(f"a slice took the loader processes longer than {limit}: samples {_few(wanted)}")
            self._drain(left)
        kind, what = self._ready.pop(wanted.key)
        self._fill()
        if kind == "failed":
            raise what
        return what.result() if isinstance(what, Future) else what

    def close(self) -> None:
        for loader in self._loaders:
            loader.end()
        self._loaders = []
        if self._pinning is not None:
            self._pinning.shutdown(cancel_futures=True)

    @property
    def pids(self) -> list[int]:
        return [loader.pid for loader in self._loaders]

    def _known(self) -> set[Key]:
        """Made, or being made."""
        return {*self._ready, *(wanted.key for loader in self._loaders for wanted in loader.making.values())}

    def _fill(self, urgent: Key | None = None) -> None:
        """Gives out what is next, to whoever has least to do; more than `prefetch_factor` only what is waited for."""
        while self._queue and self._loaders:
            loader = min(self._loaders, key=lambda loader: loader.load)
            held = sum(loader.load for loader in self._loaders) + len(self._ready)
            if self._queue[0].key != urgent and (loader.load >= self._loading.prefetch or held >= self.ahead):
                return
            wanted = self._queue.pop(0)
            with self._surviving(loader):
                loader.make(next(self._numbers), wanted)

    def _drain(self, seconds: float | None) -> None:
        """Takes what has arrived; waits so long for the first."""
        pipes: dict[Any, Loader] = {loader.results: loader for loader in self._loaders}
        while found := wait(list(pipes), seconds):
            for pipe in found:
                with self._surviving(pipes[pipe]):
                    self._take(pipes[pipe].answer())
            pipes, seconds = {loader.results: loader for loader in self._loaders}, 0

    def _take(self, answer: tuple[Slice, str, Any] | None) -> None:
        if answer is None:
            return
        wanted, kind, what = answer
        self._since_loss += 1
        if kind == "made" and self._pinning is not None:
            what = self._pinning.submit(pinned, what)
        self._ready[wanted.key] = kind, what

    @contextmanager
    def _surviving(self, loader: Loader) -> Iterator[None]:
        """Where it turns out to be gone, another takes its place."""
        try:
            yield
            return
        except Lost:
            pass
        self._replace(loader)

    def _replace(self, loader: Loader) -> None:
        """One that has died. Raises LoaderError where it is the second of late: a third would end like these."""
        why, lost = loader.why(), list(loader.making.values())
        loader.end()
        if self._since_loss < FORGIVEN:
            working = f" while it prepared samples {_few(lost[0])}" if lost else ""
            self.close()
            raise LoaderError(
                f"loader process {loader.number} (pid {loader.pid}, one of num_workers={self._loading.processes}) {why}{working}. "
                "It is the second of late, so another would not help"
            ) from None
        print(f"ftc: loader process {loader.number} (pid {loader.pid}) {why}; another takes its place", flush=True)
        self._since_loss = 0
        self._loaders[self._loaders.index(loader)] = self._started(loader.number)
        self._queue = [*lost, *self._queue]

    def _started(self, number: int) -> Loader:
        deterministic = torch.are_deterministic_algorithms_enabled()
        start = Start(self._recipe, self._loading.worker_init_fn, number, self._loading.processes, deterministic)
        return Loader(start, self._context)


def _context(asked: Any) -> Any:
    """How processes are started: as a DataLoader starts them."""
    if asked is None:
        return torch.multiprocessing
    if not isinstance(asked, str):
        return asked
    methods = torch.multiprocessing.get_all_start_methods()
    if asked not in methods:
        raise UsageError(f"multiprocessing_context={asked!r}: it can be {', '.join(methods)}")
    return torch.multiprocessing.get_context(asked)


def _few(wanted: Slice) -> str:
    numbers: list[int] = wanted.indices.tolist()
    return f"{', '.join(map(str, numbers[:8]))}{', …' if len(numbers) > 8 else ''}"
