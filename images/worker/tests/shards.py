"""Shards for the tests: small ones whose samples say which they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np


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
