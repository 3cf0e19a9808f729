"""`ftc.ShardedDataset`: what a script hands to `job.batches` when the data does not fit into memory, or lies in a bucket."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from ..data.recipe import collated
from ..errors import UsageError
from ..slices import Plan
from .bucket import Bucket
from .cache import Cache
from .depot import Depot, Shard
from .errors import DataError
from .inventory import inventory
from .order import ShardOrder
from .places import Folder, Place
from .pool import Pool
from .reading import Reading
from .say import say
from .settings import Settings, settings

PATIENCE = 240.0
"""Seconds that an unreachable bucket is waited for: less than the time after which a worker counts as stuck."""


class ShardedDataset:
    """Samples in the files of a folder or an S3 bucket, read one by one when a step needs them.

        data = ftc.ShardedDataset("s3://bucket/prefix", transform=to_tensors)
        for batch in job.batches(data, batch_size=480): …

    `source`: a folder, or `s3://bucket/prefix`. Its shards are `*.jsonl`, `*.jsonl.gz`, `*.npy` or `*.npz`, sorted by name.
    `transform`: from one record (what a line of JSON holds, a row of an `.npy`, a dict of rows of an `.npz`) to what a
    DataLoader would collate. It runs under a random state of the sample's own. None: the record itself.
    `pattern`: which files are shards, such as "train-*.jsonl"; with a slash it reaches into folders.
    `window`: how many shards a shuffled epoch mixes at a time. Part of the result. 1 or more.
    `prefetch`: how many shards are fetched and opened ahead; 0 for none. No part of the result.
    `cache_dir`, `cache_bytes` (a number, or "2g"), `endpoint`, `region`: where the job file's `data` does not say it.
    `anonymous`: a public bucket, read without credentials.
    `patience`: seconds that an unreachable bucket is waited for.

    Raises DataError (an FtcError) where the shards are not what they should be; Unreachable after `patience`.
    """

    def __init__(
        self,
        source: str | os.PathLike[str],
        *,
        transform: Callable[[Any], Any] | None = None,
        pattern: str | None = None,
        window: int = 4,
        prefetch: int = 2,
        cache_dir: str | os.PathLike[str] | None = None,
        cache_bytes: int | str | None = None,
        endpoint: str | None = None,
        region: str | None = None,
        anonymous: bool = False,
        patience: float = PATIENCE,
    ) -> None:
        if window < 1 or prefetch < 0 or patience < 0:
            raise UsageError(f"window={window}, prefetch={prefetch}, patience={patience}: at least 1, 0 and 0 are needed")
        where = settings(cache_dir, cache_bytes, endpoint, region)
        self.window = window
        self._prefetch = prefetch
        self._transform = transform
        place = _place(os.fspath(source), where, anonymous, patience)
        self._depot = Depot(place, Cache(where.cache_dir, where.cache_bytes))
        self.shards: tuple[Shard, ...] = tuple(inventory(self._depot, pattern, patience))
        self._order = ShardOrder([shard.samples for shard in self.shards], 0, shuffle=False, window=1)
        self._pool = Pool(lambda shard, effort: self._depot.open(self.shards[shard], effort), patience, self._outgrown)
        self._told = False

    def __len__(self) -> int:
        """Samples in all shards."""
        return self._order.bases[-1]

    def __getitem__(self, number: int) -> Any:
        """One sample by its number, transformed. For a look: a training loop reads through `job.batches`."""
        if not 0 <= number < len(self):
            raise IndexError(f"sample {number} of {len(self)}")
        return self._sample(number)

    def locate(self, number: int) -> tuple[str, int]:
        """Where a sample is: the shard's name, and its line or row in it, counted from 0."""
        shard, line = self._order.locate(number)
        return self.shards[shard].name, line

    def fetch(self, indices: torch.Tensor) -> tuple[Any, ...]:
        """These samples, collated as a DataLoader would. Raises DataError, Unreachable."""
        numbers = indices.tolist()
        try:
            samples = [self._sample(number) for number in numbers]
        finally:  # also where reading failed: somebody who writes to a shard explains whatever was read there
            self.confirm(numbers)
        return collated(samples)

    def confirm(self, numbers: list[int]) -> None:
        """The shards that these samples are in are still what was counted. Raises DataError, Unreachable."""
        for shard in {self._order.locate(number)[0] for number in numbers}:
            if not self._pool.get(shard).unchanged():
                self._pool.renew(shard)

    def reading(self, plan: Plan) -> Reading:
        """How a job goes through the shards."""
        order = ShardOrder([shard.samples for shard in self.shards], plan.seed, plan.shuffle, self.window)
        return Reading(self, plan, order)

    def want(self, order: ShardOrder, epoch: int, first: int, last: int) -> None:
        """These positions are read next: others' shards are closed, and those after them opened behind the caller's back."""
        now = order.shards_between(epoch, first, last)
        coming = islice(order.shards_from(epoch, max(first, last - 1)), (self._prefetch + 1) * (self.window + 1))
        ahead = [shard for shard in dict.fromkeys(coming) if shard not in now]
        self._pool.want(now, ahead[: self._prefetch])

    def fingerprint(self) -> str:
        """Of all that makes the samples what they are: names, counts and checksums. 64 hexadecimal digits."""
        sha = hashlib.sha256()
        for shard in self.shards:
            facts = shard.facts
            sha.update(json.dumps([shard.name, facts.bytes, facts.sha256, facts.samples]).encode() + b"\n")
        return sha.hexdigest()

    def _sample(self, number: int) -> Any:
        shard, line = self._order.locate(number)
        record = self._pool.get(shard).read(line)
        if self._transform is None:
            return record
        try:
            return self._transform(record)
        except Exception as error:
            if hasattr(error, "add_note"):
                error.add_note(f"(in transform=, of sample {line} of {self.shards[shard].name}, counted from 0)")
            raise

    def _outgrown(self) -> None:
        if not self._told:
            self._told = True
            limit = self._depot.cache.limit
            say("warn", f"the cache of {limit} bytes is smaller than the shards in use at once (window={self.window}): it outgrows its limit")


def _place(source: str, where: Settings, anonymous: bool, patience: float) -> Place:
    if "://" not in source:
        return Folder(Path(source))
    if not source.startswith("s3://"):
        raise DataError(f"{source!r} cannot be read: a folder or s3://bucket/prefix can")
    if not where.shared:
        say("warn", f"shards are cached in {where.cache_dir}, by each worker for itself: `data:` in the job file gives them a volume")
    return Bucket(source, endpoint=where.endpoint, region=where.region, anonymous=anonymous, patience=patience)
