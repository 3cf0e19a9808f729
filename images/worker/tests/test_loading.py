"""Samples that are loaded in the training process or in processes of their own: the same bits."""

from __future__ import annotations

import random
import traceback
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, Subset

from ftc.data import Slice, as_source
from ftc.errors import UsageError
from loadings import Drawing, Key, collate, draws, opened, read, sampler


@pytest.fixture(scope="module")
def expected() -> dict[Key, Any]:
    with opened(Drawing(), collate_fn=collate) as source:
        return read(source, range(14))


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_bits_do_not_depend_on_the_number_of_processes(expected: dict[Key, Any], processes: int) -> None:
    with opened(Drawing(), collate_fn=collate, num_workers=processes, prefetch_factor=processes) as source:
        assert source.ahead == processes**2
        assert read(source, range(14)) == expected
    with opened(DataLoader(Drawing(), 20, shuffle=True, collate_fn=collate, num_workers=processes)) as source:
        assert source.ahead == 2 * processes and source.batch_size == 20
        assert read(source, range(14)) == expected


def test_bits_do_not_depend_on_what_ran_before(expected: dict[Key, Any]) -> None:
    draws()
    with opened(Drawing(), collate_fn=collate) as source:
        assert read(source, range(13, 3, -1)) == {key: found for key, found in expected.items() if key[0] > 3}


class Summing(Dataset[Any]):
    """Sums whose bits depend on how many threads share them."""

    def __len__(self) -> int:
        return 103

    def __getitem__(self, number: int) -> torch.Tensor:
        return torch.rand(400_000).sum()


def test_bits_do_not_depend_on_threads() -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with opened(Summing()) as here, opened(Summing(), num_workers=2) as there:
            assert read(here, [0]) == read(there, [0])
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(threads)


def test_each_sample_has_a_state_of_its_own(expected: dict[Key, Any]) -> None:
    states = [
        (t, n, p)
        for (_, samples), _drawn in expected.values()
        for t, n, p in zip(samples["t"], samples["n"], samples["p"])
    ]
    drawn = [tuple(drawn) for _, drawn in expected.values()]
    assert len(states) == 246 and len({*states, *drawn}) == 246 + len(drawn)


class Greedy(Drawing):
    """Draws once more."""

    def __getitem__(self, number: int) -> Any:
        found = super().__getitem__(number)
        draws()
        return found


def test_collating_has_one_too_whatever_the_samples_drew(expected: dict[Key, Any]) -> None:
    with opened(Greedy(), collate_fn=collate) as source:
        assert read(source, [0, 1]) == {key: found for key, found in expected.items() if key[0] < 2}


@pytest.mark.parametrize("processes", [0, 2])
def test_the_callers_random_state_is_left_alone(processes: int) -> None:
    torch.manual_seed(3), np.random.seed(3), random.seed(3)
    undisturbed = draws()
    torch.manual_seed(3), np.random.seed(3), random.seed(3)
    with opened(Drawing(), num_workers=processes) as source:
        read(source, range(3))
    assert draws() == undisturbed


class Many(Dataset[Any]):
    """Gives many at once, as data sets in columns do."""

    def __len__(self) -> int:
        return 103

    def __getitem__(self, number: int) -> Any:
        raise AssertionError("one by one")

    def __getitems__(self, numbers: list[int]) -> list[Any]:
        return [(number, torch.rand(2)) for number in numbers]


def test_a_dataset_that_gives_many_at_once_is_asked_so() -> None:
    for data in (Many(), Subset(Many(), range(103))):
        with opened(data) as here, opened(data, num_workers=2) as there:
            assert read(here, range(4)) == read(there, range(4))
    with opened(Subset(Drawing(), range(103)), collate_fn=collate) as part, opened(Drawing(), collate_fn=collate) as whole:
        assert read(part, range(2)) == read(whole, range(2))  # torch's Subset has the method for whatever it is a subset of


class Failing(Drawing):
    def __getitem__(self, number: int) -> Any:
        if number == 50:
            deep_inside(number)
        return super().__getitem__(number)


def deep_inside(number: int) -> None:
    raise KeyError(f"no sample {number}")


@pytest.mark.parametrize("processes", [0, 2])
def test_an_error_comes_with_the_slice_that_it_is_of(processes: int) -> None:
    with opened(Failing(), num_workers=processes) as source:
        samples = sampler(source)
        for step in range(6):
            source.expect(samples.coming(step, 6, range(4), source.ahead))
            for virtual_rank in range(4):
                wanted = Slice(step, virtual_rank, samples.indices(step, virtual_rank))
                if 50 not in wanted.indices.tolist():
                    if len(wanted.indices):
                        source.fetch(wanted)
                    continue
                with pytest.raises(KeyError, match="no sample 50") as raised:
                    source.fetch(wanted)
                text = "".join(traceback.format_exception(raised.value))
                assert "deep_inside" in text and "test_loading.py" in text


class Unsendable(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


class Odd(Drawing):
    def __getitem__(self, number: int) -> Any:
        raise Unsendable(1, 2)


def test_an_error_that_cannot_be_sent_is_told() -> None:
    with opened(Odd(), num_workers=1) as source, pytest.raises(RuntimeError, match="(?s)Unsendable in a loader.*1 and 2"):
        read(source, [0])


@pytest.mark.parametrize("context", ["spawn", "forkserver"])
def test_processes_may_be_started_in_other_ways(expected: dict[Key, Any], context: str) -> None:
    with opened(Drawing(), collate_fn=collate, num_workers=1, multiprocessing_context=context) as source:
        assert read(source, [0]) == {key: found for key, found in expected.items() if key[0] == 0}
    with pytest.raises(UsageError, match="multiprocessing_context='thread': it can be fork"):
        as_source(Drawing(), num_workers=1, multiprocessing_context="thread")


class Wordy(Dataset[Any]):
    def __len__(self) -> int:
        return 103

    def __getitem__(self, number: int) -> str:
        return "x" * 50_000


def test_what_is_not_in_tensors_may_be_large() -> None:
    with opened(Wordy(), num_workers=2) as source:
        found = read(source, range(4))
    assert all(len(texts) == 5 and set(map(len, texts)) == {50_000} for texts in found.values())
