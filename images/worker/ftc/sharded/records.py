"""What is known of shards from an earlier look, kept in the cache's folder: nothing is read twice to count it."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from .inspection import Facts
from .lines import Starts
from .places import Entry

FORMAT = 1


@dataclass(frozen=True)
class Record:
    """`facts` of the shard as it is stored; `held` of what its samples are read from: the same, or it unpacked."""

    tag: str
    facts: Facts
    held: Facts


def key_of(url: str, name: str) -> str:
    """Names a shard in the cache's folder."""
    return hashlib.sha256(f"{url}\n{name}".encode()).hexdigest()[:40]


class Records:
    """One JSON file a shard, and the starts of a local one's lines beside it. A file that is damaged counts as absent."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str, entry: Entry) -> Record | None:
        """None unless it was made of the file as it is now."""
        try:
            value = json.loads((self._folder / f"{key}.json").read_bytes())
            if value["format"] != FORMAT or value["tag"] != entry.tag or value["facts"]["bytes"] != entry.bytes:
                return None
            return Record(value["tag"], Facts(**value["facts"]), Facts(**value["held"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, key: str, record: Record) -> None:
        body = {"format": FORMAT, "tag": record.tag, "facts": asdict(record.facts), "held": asdict(record.held)}
        self._write(f"{key}.json", json.dumps(body).encode())

    def starts(self, key: str, record: Record) -> Starts | None:
        """Of the very contents that the record is about."""
        try:
            raw = (self._folder / f"{key}.lines").read_bytes()
        except OSError:
            return None
        head, body = raw[:32], raw[32:]
        if hashlib.sha256(record.held.sha256.encode() + body).digest() != head:
            return None
        return np.frombuffer(body, np.int64)

    def put_starts(self, key: str, record: Record, starts: Starts) -> None:
        body = starts.tobytes()
        self._write(f"{key}.lines", hashlib.sha256(record.held.sha256.encode() + body).digest() + body)

    def _write(self, name: str, data: bytes) -> None:
        temporary = self._folder / f".tmp-{name}-{os.getpid()}"
        temporary.write_bytes(data)
        os.replace(temporary, self._folder / name)
