"""`shards.index.json` beside the shards: how many samples each holds, and its checksum. With it nothing is read to be counted."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

from ..errors import FtcError
from .cache import Cache
from .depot import Depot, Shard
from .errors import DataError
from .fetch import Effort
from .inspection import Facts
from .names import choose
from .places import Folder

NAME = "shards.index.json"
FORMAT = 1
HOW = f"python3 -m ftc.sharded.index writes {NAME} anew"


def parse(text: bytes, where: str) -> dict[str, Facts]:
    """By shard's name. Raises DataError."""
    try:
        value = json.loads(text)
        if value["format"] != FORMAT:
            raise DataError(f"{where} has format {value['format']!r:.40}, and {FORMAT} is known")
        return {name: _facts(item) for name, item in value["shards"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise DataError(f"{where} cannot be read: {HOW}") from None


def encode(shards: Iterable[Shard]) -> bytes:
    body = {shard.name: asdict(shard.facts) for shard in shards}
    return json.dumps({"format": FORMAT, "shards": body}, indent=1).encode() + b"\n"


def check(announced: Mapping[str, Facts], sizes: Mapping[str, int], meant: Iterable[str], where: str) -> None:
    """Whether the index is of these shards: `sizes` of all that are there, `meant` of the index's that should be."""
    for name, size in sizes.items():
        if name not in announced:
            raise DataError(f"{name} is not in {where}: {HOW}")
        if announced[name].bytes != size:
            raise DataError(f"{name} has {size} bytes, and {announced[name].bytes} in {where}: {HOW}")
    missing = sorted(set(meant) - set(sizes))
    if missing:
        raise DataError(f"{missing[0]} is in {where}, but not there: {HOW}")


def write(folder: Path, pattern: str | None = None) -> list[Shard]:
    """Reads every shard of a folder once, and puts the index beside them. Raises DataError."""
    place = Folder(folder)
    entries = {entry.name: entry for entry in place.entries(pattern)}
    names = choose(entries, pattern, place.url)
    with tempfile.TemporaryDirectory() as room:
        depot = Depot(place, Cache(Path(room), limit=1))
        effort = Effort(wait=True, force=True, patience=0.0)
        shards = [Shard(entries[name], depot.learn(entries[name], effort)) for name in names]
    temporary = place.path / f".tmp-{NAME}-{os.getpid()}"
    try:
        temporary.write_bytes(encode(shards))
        os.replace(temporary, place.path / NAME)
    except OSError as error:
        raise DataError(f"{place.path / NAME} cannot be written by user {os.getuid()}: {error.strerror}") from None
    return shards


def _facts(item: Mapping[str, object]) -> Facts:
    size, samples = item["bytes"], item["samples"]
    sha256, layout = item["sha256"], item["layout"]
    if not (type(size) is int and size >= 0 and type(samples) is int and samples >= 0):
        raise ValueError("no number")
    if not (isinstance(sha256, str) and len(sha256) == 64 and isinstance(layout, str)):
        raise ValueError("no text")
    return Facts(size, sha256, samples, layout)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python3 -m ftc.sharded.index",
        description=f"Counts and hashes the shards of a folder, and writes {NAME} beside them.",
        epilog="Example: python3 -m ftc.sharded.index shards, and then: aws s3 sync shards s3://bucket/prefix",
    )
    parser.add_argument("folder", type=Path, help="where the shards are")
    parser.add_argument("--pattern", help='which files are shards, such as "train-*.jsonl" (default: all of a known kind)')
    given = parser.parse_args()
    try:
        shards = write(given.folder, given.pattern)
    except FtcError as error:
        print(f"ftc: {error}", file=sys.stderr)
        return 1
    samples, size = sum(shard.samples for shard in shards), sum(shard.facts.bytes for shard in shards)
    print(f"{len(shards)} shards, {samples} samples, {size} bytes: {given.folder / NAME}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
