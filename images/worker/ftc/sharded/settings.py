"""Where shards come from and are kept where the script does not say: from the job file, by way of the environment."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError

UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
DEFAULT_BYTES = "10g"


@dataclass(frozen=True)
class Settings:
    """`shared`: the cache is a volume that all workers of the job see, as the job file's `data` makes it."""

    cache_dir: Path
    cache_bytes: int
    shared: bool
    endpoint: str | None
    region: str | None


def settings(
    cache_dir: str | os.PathLike[str] | None = None,
    cache_bytes: int | str | None = None,
    endpoint: str | None = None,
    region: str | None = None,
    env: Mapping[str, str] = os.environ,
) -> Settings:
    """What is given wins over the environment. Raises UsageError."""
    folder = cache_dir or env.get("FTC_DATA_CACHE")
    limit = cache_bytes if cache_bytes is not None else env.get("FTC_DATA_CACHE_BYTES") or DEFAULT_BYTES
    address = endpoint or env.get("FTC_DATA_ENDPOINT") or None
    if address is not None and re.match(r"https?://[^/]*@", address):
        raise UsageError("the S3 endpoint has a user or a password in it: credentials come from the environment or a file")
    return Settings(
        cache_dir=Path(folder) if folder else Path(tempfile.gettempdir()) / "ftc-data",
        cache_bytes=size(limit),
        shared=bool(folder),
        endpoint=address,
        region=region or env.get("FTC_DATA_REGION") or None,
    )


def size(amount: int | str) -> int:
    """Bytes: a number, or text such as "512m" or "2g" (powers of 1024). Raises UsageError."""
    match = re.fullmatch(r"([1-9][0-9]*)([bkmgt]?)b?", str(amount).strip().lower())
    if match is None:
        raise UsageError(f'a cache of {amount!r} is no amount: a number of bytes, or "512m" or "2g", is')
    return int(match[1]) * UNITS[match[2]]
