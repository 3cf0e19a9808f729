"""What a script may hand over, and in what words all else is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

import ftc
from ftc.data import Slice, Source, as_source
from ftc.errors import UsageError

ROWS = [torch.full((16,), number) for number in range(48)]


def taken(source: Source, *numbers: int) -> Any:
    return source.fetch(Slice(0, 0, torch.tensor(numbers)))


def loaded(data: Any, **options: Any) -> DataLoader[Any]:
    return DataLoader(data, 4, **options)


class Stream(IterableDataset[torch.Tensor]):
    def __len__(self) -> int:
        return 48

    def __iter__(self) -> Iterator[torch.Tensor]:
        return iter(ROWS)


class Endless(IterableDataset[torch.Tensor]):
    def __iter__(self) -> Iterator[torch.Tensor]:
        return iter(ROWS)


class Unwritten(Dataset[Any]):
    def __len__(self) -> int:
        return 48


class Raising(Unwritten):
    def __getitem__(self, number: int) -> Any:
        raise NotImplementedError


class Deeper(Unwritten):
    def __getitem__(self, number: int) -> Any:
        return torch.nn.Module()(number)  # raises NotImplementedError itself


class Uncounted(Dataset[Any]):
    def __getitem__(self, number: int) -> Any:
        return ROWS[number]


TWO = (
    r"a list of 48 tensors with 16 rows each can mean two things.*column of 16 samples, pass a tuple or ftc.Data\(\*columns\)"
    r".*one of 48 samples, pass torch.stack\(rows\) or a Dataset"
)
STREAM = r"an IterableDataset \(\w+\).*map-style dataset.*loader.dataset.*ftc.ShardedDataset"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (Stream(), f"the data is {STREAM}"),
        (Endless(), f"the data is {STREAM}"),
        (DataLoader(Stream(), 4), f"the DataLoader's dataset is {STREAM}"),
        (ROWS, TWO),
        ([torch.ones(8, 2)], "a list of 1 tensors with 8 rows each"),
        (Unwritten(), r"Unwritten gives no samples by number.*__getitem__\(number\) and __len__"),
        (DataLoader(Unwritten(), 4), "Unwritten gives no samples by number"),
        (Uncounted(), "Uncounted has no __len__"),
        (DataLoader(Uncounted(), 4, sampler=[1, 2]), "Uncounted has no __len__"),
        (torch.empty(0, 3), "the data has no samples"),
        (loaded([]), "the data has no samples"),
        ([], "the data has no samples"),
        (torch.tensor(3.0), r"Data needs tensors of one length, not \[\(\)\]"),
        ((torch.ones(3), torch.ones(4)), r"Data needs tensors of one length, not \[\(3,\), \(4,\)\]"),
        ({"x": torch.ones(3)}, r"not dict \(of a dict of columns: ftc.Data\(\*columns.values\(\)\)\)"),
        ("train.csv", "job.batches needs tensors, .*, not str"),
        (5, "not int"),
        (iter(ROWS), "not list_iterator"),
    ],
    ids=str,
)
def test_what_has_no_reading_or_two_is_refused(data: Any, reason: str) -> None:
    with pytest.raises(UsageError, match=f"(?s){reason}"):
        as_source(data)


@pytest.mark.parametrize("processes", [0, 1])
def test_a_dataset_that_only_raises_is_refused_when_it_does(processes: int) -> None:
    source = as_source(Raising(), num_workers=processes)
    with pytest.raises(UsageError, match="Raising gives no samples by number"):
        taken(source, 1)
    source.close()
    with pytest.raises(NotImplementedError, match="forward"):
        taken(as_source(Deeper()), 1)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"num_workers": -1}, "num_workers=-1: at least 0"),
        ({"prefetch_factor": 0}, "prefetch_factor=0: at least 1"),
        ({"timeout": -1}, "timeout=-1: seconds"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        as_source(TensorDataset(torch.ones(3)), **options)


def test_tensors_are_samples_and_a_tuple_of_them_columns() -> None:
    x, y = torch.arange(12).view(4, 3), torch.arange(4)
    assert [part.tolist() for part in taken(as_source((x, y)), 3, 0)] == [[[9, 10, 11], [0, 1, 2]], [3, 0]]
    assert [part.tolist() for part in taken(as_source(x), 3)] == [[[9, 10, 11]]]
    data = ftc.Data(x, y)
    assert as_source(data) is data and len(data) == 4


def test_a_list_with_one_reading_is_a_dataset() -> None:
    ragged = [torch.ones(2), torch.ones(3), torch.ones(4)]
    assert [len(item) for item in taken(as_source(ragged, collate_fn=list), 2, 0)] == [4, 2]
    assert taken(as_source([torch.tensor(1), torch.tensor(2)]), 1, 0).tolist() == [2, 1]
    assert taken(as_source(loaded(ROWS)), 5, 7).shape == (2, 16)
    assert taken(as_source(ROWS, collate_fn=torch.stack), 5, 7).shape == (2, 16)
    assert taken(as_source([(1, 2), (3, 4)]), 1)[0].tolist() == [3]


def test_what_is_said_beside_a_loader_counts_more() -> None:
    loader = loaded(ROWS, collate_fn=lambda rows: "the loader's")
    assert taken(as_source(loader), 1) == "the loader's"
    assert taken(as_source(loader, collate_fn=lambda rows: "said"), 1) == "said"
    source = as_source(loader, num_workers=1, prefetch_factor=3)
    assert source.ahead == 3 and taken(source, 1) == "the loader's"
    source.close()
