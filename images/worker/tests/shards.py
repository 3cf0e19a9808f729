"""Shards for the tests: small ones whose samples say which they are, in a folder and in a bucket."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from bucket_server import BUCKET
from ftc.sharded.dataset import ShardedDataset

COUNTS = (40, 0, 30, 50, 20)
"""Samples of the shards that the fixture `prefix` puts into the bucket."""


def jsonl(folder: Path, *counts: int, start: int = 0) -> Path:
    """`s0000.jsonl` and so on with as many lines as said; a sample is {"s": shard, "l": line, "n": number over all}."""
    folder.mkdir(parents=True, exist_ok=True)
    number = 0
    for shard, count in enumerate(counts):
        lines = [json.dumps({"s": shard, "l": line, "n": number + line}) for line in range(count)]
        (folder / f"s{shard + start:04}.jsonl").write_text("".join(f"{line}\n" for line in lines))
        number += count
    return folder


def rows(first: int, count: int, width: int = 3) -> np.ndarray[Any, Any]:
    """Row r holds `width` times first + r."""
    return np.repeat(np.arange(first, first + count, dtype=np.float32)[:, None], width, axis=1)


def opened(prefix: str, tmp_path: Path, endpoint: str, **options: Any) -> ShardedDataset:
    """Shards in the bucket, as their numbers, cached under `tmp_path`."""
    given = {"cache_dir": tmp_path / "cache", "cache_bytes": "1m", "prefetch": 0, "transform": lambda s: s["n"], **options}
    return ShardedDataset(f"s3://{BUCKET}/{prefix}", endpoint=endpoint, **given)


def everything(data: ShardedDataset) -> list[Any]:
    return [data[number] for number in range(len(data))]


def cached(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache" / "shards").iterdir())
