"""From what a script hands over to what the training loop reads. What has two readings, or none, is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.utils.data import BatchSampler, DataLoader, Dataset, IterableDataset

from ..errors import UsageError
from ..slices import Plan
from .columns import Data
from .mapstyle import MapStyle
from .options import Loading, of_loader
from .prefetched import Prefetched
from .recipe import Recipe, not_by_number
from .sampled import Sampled
from .samplers import Followed, shuffles
from .shards import Sharded, Shards
from .source import Source


def as_source(
    data: Any,
    *,
    seed: int = 0,
    num_workers: int | None = None,
    collate_fn: Callable[[list[Any]], Any] | None = None,
    pin_memory: bool | None = None,
    worker_init_fn: Callable[[int], Any] | None = None,
    prefetch_factor: int | None = None,
    persistent_workers: bool | None = None,
    timeout: float | None = None,
    multiprocessing_context: Any = None,
) -> Source:
    """`data`: tensors, a tuple of them, `ftc.Data`, a map-style dataset, a DataLoader of one, or `ftc.ShardedDataset`.

    What is said here counts more than what a DataLoader says. `seed` is the job's. Raises UsageError for anything else, and
    where there are no samples.
    """
    loading = Loading(
        num_workers, collate_fn, pin_memory, worker_init_fn, prefetch_factor, persistent_workers, timeout, multiprocessing_context
    )
    source = _of_loader(data, loading, seed) if isinstance(data, DataLoader) else _plain(data, loading, seed)
    if len(source) == 0:
        raise UsageError("the data has no samples")
    return source


def plan_of(
    source: Source, virtual_ranks: int, seed: int, batch_size: int | None = None, shuffle: bool = True, usual: int = 32
) -> Plan:
    """How a job goes through a source. `batch_size`, where neither it nor the data says one: `usual` a virtual rank.

    Raises UsageError where the two say different ones (a DataLoader that says nothing says 1).
    """
    own = source.batch_size
    if batch_size is not None and own not in (None, 1, batch_size):
        raise UsageError(
            f"batch_size={batch_size}, and the DataLoader says {own}: both mean samples a step over all workers, so say it once"
        )
    size = batch_size if batch_size is not None else own if own is not None else usual * virtual_ranks
    if size < 1:
        raise UsageError(f"batch_size={size}: at least 1 is needed")
    samples = len(source)
    if source.drop_last and samples < size:
        raise UsageError(f"drop_last=True, and the {samples} samples of an epoch are fewer than batch_size={size}: nothing is left")
    order = shuffle if source.shuffle is None else source.shuffle
    return Plan(samples, min(size, samples), virtual_ranks, seed, order, source.drop_last)


def _of_loader(loader: DataLoader[Any], loading: Loading, seed: int) -> Source:
    dataset = loader.dataset
    _refuse_streams(dataset, "the DataLoader's dataset")
    batches = loader.batch_sampler
    if batches is None:
        raise UsageError(
            "the DataLoader has batch_size=None, so each sample is a batch: give it the batch size of a step over all workers"
        )
    if type(batches) is not BatchSampler:
        raise UsageError(
            f"the DataLoader's batch_sampler is a {type(batches).__name__}, which decides itself what makes a batch: pass "
            "DataLoader(dataset, batch_size=…, sampler=…) instead, and ftc makes the batches"
        )
    samples = len(_counted(dataset))
    if samples == 0:
        raise UsageError("the data has no samples")
    shuffle = shuffles(batches.sampler, samples)
    followed = Followed(batches.sampler, samples, seed) if shuffle is None else None
    if followed is not None and isinstance(dataset, Sharded):
        raise UsageError(
            f"ftc.ShardedDataset has an order of its own, and the DataLoader's {type(batches.sampler).__name__} another: pass the "
            "dataset without the DataLoader"
        )
    inner = _samples(dataset, loading.over(of_loader(loader)), seed)
    return Sampled(inner, batches.batch_size, batches.drop_last, shuffle, followed)


def _plain(data: Any, loading: Loading, seed: int) -> Source:
    _refuse_streams(data, "the data")
    columns = _columns(data, loading)
    if columns is not None:
        columns.pin_memory = _pins(loading)
        return columns
    return _samples(data, loading, seed)


def _columns(data: Any, loading: Loading) -> Data | None:
    """Tensors in memory, by their first dimension; None for what holds samples one by one."""
    if isinstance(data, Data):
        return data
    if isinstance(data, torch.Tensor):
        return Data(data)
    if not isinstance(data, (tuple, list)) or not data or not all(isinstance(item, torch.Tensor) for item in data):
        return None
    if isinstance(data, tuple):
        return Data(*data)
    if loading.collate_fn is None and len({len(item) if item.dim() else None for item in data}) == 1 and data[0].dim():
        raise UsageError(
            f"a list of {len(data)} tensors with {len(data[0])} rows each can mean two things. Where each tensor is a column of "
            f"{len(data[0])} samples, pass a tuple or ftc.Data(*columns); where each is one of {len(data)} samples, pass "
            "torch.stack(rows) or a Dataset"
        )
    return None


def _samples(dataset: Any, loading: Loading, seed: int) -> Source:
    """Samples by number."""
    _counted(dataset)
    pin = _pins(loading)
    if isinstance(dataset, Sharded):
        return Shards(dataset, loading, seed, pin)
    recipe, samples = Recipe(dataset, loading.collate_fn, seed), len(dataset)
    if loading.processes == 0 or samples == 0:
        return MapStyle(recipe, samples, pin)
    return Prefetched(recipe, samples, loading, pin)


def _counted(dataset: Any) -> Any:
    """Raises UsageError for what has no samples by number, or does not know how many."""
    by_number = hasattr(dataset, "__getitem__") and not isinstance(dataset, (Mapping, str, bytes, type))
    if by_number and isinstance(dataset, Dataset) and type(dataset).__getitem__ is Dataset.__getitem__:
        raise UsageError(not_by_number(dataset))
    counted = hasattr(dataset, "__len__")
    if by_number and not counted:
        raise UsageError(
            f"{type(dataset).__name__} has no __len__: a step takes its samples by number, so how many there are has to be known"
        )
    if not by_number:
        columns = " (of a dict of columns: ftc.Data(*columns.values()))" if isinstance(dataset, Mapping) else ""
        raise UsageError(
            "job.batches needs tensors, a tuple of tensors, a map-style dataset, a DataLoader of one or ftc.ShardedDataset, not "
            f"{type(dataset).__name__}{columns}"
        )
    return dataset


def _refuse_streams(data: Any, what: str) -> None:
    if isinstance(data, IterableDataset):
        raise UsageError(
            f"{what} is an IterableDataset ({type(data).__name__}), which gives its samples one after the other: whoever takes over "
            "from a lost worker could not find the same ones. Pass a map-style dataset (one with __getitem__(number) and "
            "__len__; for a DataLoader over one, the loader or loader.dataset), or ftc.ShardedDataset for samples in files"
        )


def _pins(loading: Loading) -> bool:
    """As a DataLoader: without an accelerator there is nothing to pin for."""
    return bool(loading.pin_memory) and torch.cuda.is_available()
