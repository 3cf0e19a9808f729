"""The random state in which a sample is loaded: a function of the job's seed, the slice and the sample's place in it."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ..rng import derive, has_accelerator, seed_with


class SampleStates:
    """The states of a slice's samples, by their positions in it, and of its collating.

    All are derived in one go: between two samples, each of which has pushed this code out of a core's caches, it takes ten times as long.
    """

    def __init__(self, seed: int, step: int, virtual_rank: int, samples: int) -> None:
        self._samples = [derive(seed, "sample", step, virtual_rank, position) for position in range(max(samples, 1))]
        self._collate = derive(seed, "collate", step, virtual_rank)
        self._devices = has_accelerator()

    def sample(self, position: int) -> None:
        seed_with(self._samples[position], self._devices)

    def collate(self) -> None:
        seed_with(self._collate, self._devices)


@contextmanager
def aside() -> Iterator[None]:
    """What runs inside leaves the caller's random state as it was, and computes as a loader process does: on one thread.

    Sums over several threads have other bits, and these must not depend on where a sample is loaded.
    """
    numpy = sys.modules.get("numpy")
    legacy = None if numpy is None else numpy.random.get_state()
    python, threads = random.getstate(), torch.get_num_threads()
    devices = [torch.cuda.current_device()] if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
    with torch.random.fork_rng(devices):
        try:
            if threads != 1:
                torch.set_num_threads(1)
            yield
        finally:
            if threads != 1:
                torch.set_num_threads(threads)
            random.setstate(python)
            if numpy is not None:
                numpy.random.set_state(legacy)
