"""A DataLoader's own order: followed where every worker finds the same one by itself, refused where none could."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
)
from torch.utils.data.distributed import DistributedSampler

import ftc
from ftc.data import Source, as_source, plan_of
from ftc.errors import UsageError
from ftc.rng import derive
from ftc.slices import Sampler as Slices

DATA = TensorDataset(torch.arange(100))


def epochs(source: Source, count: int = 3, seed: int = 4, **options: Any) -> list[list[int]]:
    """What an epoch's steps take."""
    plan = plan_of(source, 3, seed, **options)
    slices = Slices(plan, source.order(plan))
    steps = range(count * plan.steps_per_epoch)
    taken = [[n for v in range(3) for n in slices.indices(step, v).tolist()] for step in steps]
    assert all(len(batch) <= plan.batch_size for batch in taken)
    grouped = itertools.groupby(zip(steps, taken), key=lambda pair: plan.epoch_of(pair[0]))
    return [[n for _, batch in group for n in batch] for _, group in grouped]


def of(sampler: Any = None, seed: int = 4, **options: Any) -> list[list[int]]:
    return epochs(as_source(DataLoader(DATA, 24, sampler=sampler, **options), seed=seed), seed=seed)


def test_a_shuffling_loader_has_the_order_that_ftc_makes() -> None:
    assert of(shuffle=True) == epochs(as_source(DATA), batch_size=24)
    assert of() == of(SequentialSampler(DATA)) == epochs(as_source(DATA), batch_size=24, shuffle=False)
    assert of() == [list(range(100))] * 3
    batched = DataLoader(DATA, batch_sampler=BatchSampler(RandomSampler(DATA), 24, False))
    assert epochs(as_source(batched)) == of(shuffle=True)
    assert as_source(batched).batch_size == 24


def test_a_last_batch_is_dropped_where_the_loader_drops_it() -> None:
    kept = of(shuffle=True)
    assert of(shuffle=True, drop_last=True) == [epoch[:96] for epoch in kept]
    with pytest.raises(UsageError, match="drop_last=True, and the 100 samples of an epoch are fewer than batch_size=101"):
        plan_of(as_source(DataLoader(DATA, 101, drop_last=True)), 3, 0)


@pytest.mark.parametrize("replacement", [True, False])
def test_weights_are_followed_exactly(replacement: bool) -> None:
    weights = torch.rand(100, generator=torch.Generator().manual_seed(1)).square()
    found = of(WeightedRandomSampler(weights.tolist(), 70, replacement))
    for epoch, numbers in enumerate(found):
        torch.manual_seed(derive(4, "order", epoch))
        assert numbers == list(WeightedRandomSampler(weights.tolist(), 70, replacement))
    assert len({tuple(numbers) for numbers in found}) == 3
    own = torch.Generator()
    assert of(WeightedRandomSampler(weights.tolist(), 70, replacement, own)) == found  # a generator is set like all others
    assert len(as_source(DataLoader(DATA, sampler=WeightedRandomSampler(weights.tolist(), 250)))) == 250
    assert of(WeightedRandomSampler(weights.tolist(), 70, replacement), seed=5) != found


class EvenFirst(Sampler[int]):
    def __iter__(self) -> Iterator[int]:
        return iter([*range(0, 100, 2), *range(1, 100, 2)])


class ByEpoch(Sampler[int]):
    """As many write it: a seed, an epoch, a generator of its own each time."""

    def __init__(self) -> None:
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        return iter(torch.randperm(100, generator=torch.Generator().manual_seed(self.epoch)).tolist())


class Global(Sampler[int]):
    """Draws from everything that a script may draw from."""

    def __iter__(self) -> Iterator[int]:
        return iter([random.randrange(100), int(np.random.randint(100)), int(torch.randint(100, ()))] * 3)


def test_an_order_that_is_a_function_of_a_seed_is_followed() -> None:
    assert of(EvenFirst()) == [list(EvenFirst())] * 3
    assert of(ByEpoch()) == [torch.randperm(100, generator=torch.Generator().manual_seed(e)).tolist() for e in range(3)]
    assert of([5, 7, 3]) == [[5, 7, 3]] * 3
    for sampler in (SubsetRandomSampler(range(40)), RandomSampler(DATA, True), RandomSampler(DATA, num_samples=30), Global()):
        assert of(sampler) == of(sampler) and len({tuple(epoch) for epoch in of(sampler)}) == 3
    assert sorted(of(SubsetRandomSampler(range(40)))[1]) == list(range(40))


def test_following_leaves_the_callers_random_state_alone() -> None:
    torch.manual_seed(1), np.random.seed(1), random.seed(1)
    expected = (torch.rand(1).item(), np.random.random(), random.random())
    torch.manual_seed(1), np.random.seed(1), random.seed(1)
    of(Global())
    assert (torch.rand(1).item(), np.random.random(), random.random()) == expected


class Counting(Sampler[int]):
    def __init__(self) -> None:
        self.count = 0

    def __iter__(self) -> Iterator[int]:
        self.count += 1
        return iter([self.count])


class Changing(ByEpoch):
    def __iter__(self) -> Iterator[int]:
        return iter(range(10 + self.epoch))


class Batches(Sampler[list[int]]):
    def __iter__(self) -> Iterator[list[int]]:
        return iter([[1, 2], [3, 4]])


@pytest.mark.parametrize(
    ("sampler", "reason"),
    [
        (Counting(), r"Counting gives another order each time.*set_epoch\(epoch\).*shuffle=True"),
        (iter([1, 2, 3]), "gives another order each time"),
        (DistributedSampler(DATA, 2, 0), r"DistributedSampler: leave it out. ftc splits each batch.*global batch size"),
        (Changing(), "Changing gives 11 samples in epoch 1, and 10 in epoch 0"),
        (Batches(), r"Batches gives \[1, 2\]: it has to give numbers of samples"),
        ([1, 100], "list gives sample 100: the dataset has 0 to 99"),
        ([1, -1], "list gives sample -1: the dataset has 0 to 99"),
        ([], "list gives no samples"),
        (["a"], "list gives 'a': it has to give numbers"),
    ],
)
def test_no_other_order_is(sampler: Any, reason: str) -> None:
    with pytest.raises(UsageError, match=f"(?s){reason}"):
        of(sampler)


class OwnBatches(BatchSampler):
    pass


def test_batches_are_ftcs_to_make() -> None:
    own = DataLoader(DATA, batch_sampler=OwnBatches(RandomSampler(DATA), 24, False))
    with pytest.raises(UsageError, match="batch_sampler is a OwnBatches, which decides itself.*sampler=…"):
        as_source(own)
    with pytest.raises(UsageError, match="batch_size=None, so each sample is a batch"):
        as_source(DataLoader(DATA, batch_size=None))


def test_a_batch_size_is_said_once() -> None:
    loader = as_source(DataLoader(DATA, 24))
    assert plan_of(loader, 3, 0).batch_size == plan_of(loader, 3, 0, 24).batch_size == 24
    with pytest.raises(UsageError, match="batch_size=32, and the DataLoader says 24: both mean samples a step over all workers"):
        plan_of(loader, 3, 0, 32)
    assert plan_of(as_source(DataLoader(DATA)), 3, 0, 32).batch_size == 32  # a loader that says nothing says 1
    assert plan_of(as_source(DATA), 2, 0).batch_size == 64
    assert plan_of(as_source(DATA), 12, 0).batch_size == 100
    with pytest.raises(UsageError, match="batch_size=0: at least 1"):
        plan_of(as_source(DATA), 2, 0, 0)


def test_shards_have_an_order_of_their_own(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from shards import jsonl

    monkeypatch.setenv("FTC_DATA_CACHE", str(tmp_path / "cache"))
    shards: Any = ftc.ShardedDataset(jsonl(tmp_path / "d", 50, 50))
    assert epochs(as_source(DataLoader(shards, 24, shuffle=True))) == epochs(as_source(shards), batch_size=24)
    with pytest.raises(UsageError, match="ShardedDataset has an order of its own.*WeightedRandomSampler another"):
        as_source(DataLoader(shards, sampler=WeightedRandomSampler([1.0] * 100, 10)))
    with pytest.raises(UsageError, match="num_workers=2 is for a map-style dataset.*prefetch="):
        as_source(shards, num_workers=2)
