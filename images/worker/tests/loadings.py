"""Samples that depend on all random state that there is, and reading them as a training loop does."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset, default_collate

from ftc.data import Slice, Source, as_source
from ftc.slices import Plan, Sampler

Key = tuple[int, int]


def draws() -> tuple[float, float, float]:
    return torch.rand(()).item(), float(np.random.random()), random.random()


class Drawing(Dataset[Any]):
    """Samples that depend on all random state that there is."""

    def __len__(self) -> int:
        return 103

    def __getitem__(self, number: int) -> tuple[torch.Tensor, dict[str, float]]:
        for _ in range(number % 3):  # how much one draws is none of the next one's business
            draws()
        crop = torch.nn.functional.conv2d(torch.rand(1, 3, 24, 24), torch.rand(4, 3, 5, 5))
        return crop.sum() + number, dict(zip("tnp", draws()))


def collate(samples: list[Any]) -> list[Any]:
    return [default_collate(samples), torch.tensor(draws(), dtype=torch.float64)]


@contextmanager
def opened(data: Any, **options: Any) -> Iterator[Source]:
    source = as_source(data, seed=5, **options)
    try:
        yield source
    finally:
        source.close()


def told(data: Any) -> Any:
    """In a form that can be compared."""
    if isinstance(data, torch.Tensor):
        return data.tolist()
    if isinstance(data, dict):
        return {key: told(item) for key, item in data.items()}
    return [told(item) for item in data] if isinstance(data, (list, tuple)) else data


def sampler(source: Source, batch: int = 20, virtual: int = 4) -> Sampler:
    plan = Plan(len(source), batch, virtual, seed=5)
    return Sampler(plan, source.order(plan))


def read(source: Source, steps: Sequence[int], carried: Sequence[int] = range(4), total: int = 14) -> dict[Key, Any]:
    found = {}
    samples = sampler(source)
    for step in steps:
        source.expect(samples.coming(step, total, carried, source.ahead))
        for virtual_rank in carried:
            indices = samples.indices(step, virtual_rank)
            if len(indices):
                found[step, virtual_rank] = told(source.fetch(Slice(step, virtual_rank, indices)))
    return found


class Blocking(Drawing):
    """Waits for as long as a file is there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __getitem__(self, number: int) -> Any:
        (self.folder / f"begun-{number}").touch()
        if (self.folder / "block").exists():
            (self.folder / f"blocked-{os.getpid()}").touch()
        while (self.folder / "block").exists():
            time.sleep(0.01)
        return super().__getitem__(number)


def wait_for(true: Any) -> None:
    until = time.monotonic() + 30
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)
