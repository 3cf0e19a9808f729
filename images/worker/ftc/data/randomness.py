"""The random state in which a sample is loaded: a function of the job's seed, the slice and the sample's place in it."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ..rng import seed_all


def seed_sample(seed: int, step: int, virtual_rank: int, position: int) -> None:
    seed_all(seed, "sample", step, virtual_rank, position)


def seed_collate(seed: int, step: int, virtual_rank: int) -> None:
    seed_all(seed, "collate", step, virtual_rank)


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
