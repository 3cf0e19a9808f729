"""Objects on a disk, so that they outlive the process: one file of bytes and one that tells what they are, for each."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import FakeKey, S3Backend, s3_backends

from .login import Application

PIECE = 1 << 20


class Disk:
    """Of all buckets. What a request has changed is on the disk before it is answered."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], FakeKey] = {}

    def load(self, buckets: Iterable[str]) -> int:
        """Makes the buckets, and those that were here before, with their objects. How many objects."""
        for path in self._root.glob(".spool/*"):
            path.unlink(missing_ok=True)
        for bucket in {*buckets, *(path.name for path in self._root.iterdir() if path.name[0] != ".")}:
            (self._root / bucket).mkdir(exist_ok=True)
            _backend().create_bucket(bucket, "us-east-1")
            for about in (self._root / bucket).glob("*.json"):
                told = json.loads(about.read_text())
                value = about.with_suffix(".bytes").read_bytes()
                key = _backend().put_object(bucket, told["key"], value)
                key.set_metadata(told["metadata"])
                self._known[bucket, told["key"]] = key
        return len(self._known)

    def kept(self, inside: Application) -> Application:
        """The application, with everything that it changes kept."""

        def application(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
            answer = inside(environ, start)
            if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
                self.save()
            return answer

        return application

    def save(self) -> None:
        """Writes what is new and removes what is gone."""
        with self._lock:
            now = dict(_objects())
            for bucket in _backend().buckets:
                (self._root / bucket).mkdir(exist_ok=True)
            for place, key in now.items():
                if self._known.get(place) is not key:
                    self._write(*place, key)
            for bucket, name in self._known.keys() - now.keys():
                for suffix in (".json", ".bytes"):
                    self._path(bucket, name, suffix).unlink(missing_ok=True)
            self._known = now

    def _write(self, bucket: str, name: str, key: FakeKey) -> None:
        with open(self._path(bucket, name, ".tmp"), "wb") as file:
            with key.lock:
                source = key._value_buffer
                source.seek(0)
                while piece := source.read(PIECE):
                    file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        about = {"key": name, "metadata": dict(key.metadata)}
        self._path(bucket, name, ".told").write_text(json.dumps(about))
        os.replace(self._path(bucket, name, ".tmp"), self._path(bucket, name, ".bytes"))
        os.replace(self._path(bucket, name, ".told"), self._path(bucket, name, ".json"))

    def _path(self, bucket: str, name: str, suffix: str) -> Path:
        return self._root / bucket / (hashlib.sha256(name.encode()).hexdigest() + suffix)


def _backend() -> S3Backend:
    return s3_backends[DEFAULT_ACCOUNT_ID]["aws"]


def _objects() -> Iterator[tuple[tuple[str, str], FakeKey]]:
    for bucket in list(_backend().buckets.values()):
        keys: dict[str, Any] = bucket.keys
        for name, key in list(keys.items()):
            if isinstance(key, FakeKey):
                yield (bucket.name, name), key
