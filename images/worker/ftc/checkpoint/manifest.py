"""`manifest.json` beside a checkpoint's files: what it is, and by what it verifies. docs/protocol.md has an example.

src/checkpoint/manifest.ts reads the same; test/vectors/manifest.json holds both to it.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, NoReturn

from ..codec import camel
from . import plain

FORMAT = 1
RULES = 2
"""Counts changes of what a step's bits follow from besides script, data and settings. 2: each epoch's order is a permutation that is
computed per index, and random state depends on the place in the step alone."""
LARGEST = 2**53 - 1
"""The largest whole number that both languages know."""
MOST_BYTES = 1 << 20
"""A manifest that is larger is none."""
MOST_METRICS = 1 << 19
"""Bytes. Metrics that take more are left out: better a checkpoint without them than one that nobody reads."""
SEAL = re.compile(rb',\n  "seal": "([0-9a-f]{64})"\n\}\s*')
"""How a sealed manifest ends: the SHA-256 of all bytes before. A flipped bit in a step or a seed is noticed by it."""
HEX64 = re.compile(r"[0-9a-f]{64}")
FILE_NAME = re.compile(r"(?!manifest\.json$)[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class File:
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Position:
    """Where a sample is: a shard's name, and how many lines (or rows) stand before it there."""

    shard: str
    line: int


@dataclass(frozen=True)
class Manifest:
    """`samples`: in all committed steps; `digest`: of the state; `signature`: of the model without its values.

    `data`: where the next sample of the next step is; None without a sharded data set. `metrics`: what the script logged, by name;
    those that are not finite are not written. `finished`: the reason with which training ended early at this step; None where it did not.
    `rules`: RULES of who wrote it; older ones do not say, and had 1.
    """

    job: str
    step: int
    generation: int
    epoch: int
    samples: int
    virtual_ranks: int
    seed: int
    batch_size: int
    torch: str
    digest: str
    signature: str
    created_at: str
    files: dict[str, File]
    data: Position | None = None
    format: int = FORMAT
    metrics: dict[str, float] = field(default_factory=dict)
    finished: str | None = None
    rules: int = 1

    def encode(self) -> bytes:
        """What was not there in older manifests is left out where it says nothing, so that those stay as they are."""
        body = {camel(key): value for key, value in asdict(self).items()}
        metrics = {name: value for name, value in body.pop("metrics").items() if math.isfinite(value)}
        if metrics and len(json.dumps(metrics, indent=2)) <= MOST_METRICS:
            body["metrics"] = metrics
        if body["finished"] is None:
            del body["finished"]
        if body["rules"] == 1:
            del body["rules"]
        sealed = json.dumps({"format": body.pop("format"), **body}, indent=2).encode().removesuffix(b"\n}")
        return sealed + f',\n  "seal": "{hashlib.sha256(sealed).hexdigest()}"\n}}\n'.encode()


def read(path: Path) -> Manifest:
    """Raises OSError, and ValueError that says what is wrong."""
    return parse(plain.read(path, MOST_BYTES))


def parse(text: bytes) -> Manifest:
    """Raises ValueError that says what is wrong."""
    value = _json(text)
    if not isinstance(value, dict):
        raise ValueError("manifest.json is not an object")
    if not _is_whole(value.get("format")) or value["format"] != FORMAT:
        raise ValueError(f"manifest.json has format {_short(value, 'format')}, and {FORMAT} is known")
    if "seal" in value and not _holds(text):
        raise ValueError("manifest.json: its seal does not fit what it says")
    found: dict[str, Any] = {}
    for one in fields(Manifest):
        name = camel(one.name)
        if name == "files":
            found[one.name] = _files(value.get(name))
        elif name == "data":
            found[one.name] = _position(value.get(name))
        elif name == "metrics":
            found[one.name] = _metrics(value.get(name))
        elif name == "rules" and value.get(name) is None:
            found[one.name] = 1
        elif str(one.type) == "int":
            found[one.name] = _whole(value, name, name)
        elif name == "finished" and value.get(name) is None:
            found[one.name] = None
        else:
            item = value.get(name)
            if not isinstance(item, str) or (name in ("digest", "signature") and not HEX64.fullmatch(item)):
                _refuse(value, name, name)
            found[one.name] = item
    return Manifest(**found)


def _json(text: bytes) -> Any:
    """As JavaScript reads it: UTF-8 without a byte order mark, and no NaN or Infinity."""

    def constant(_: str) -> NoReturn:
        raise ValueError

    try:
        return json.loads(text.decode(), parse_constant=constant)
    except (ValueError, RecursionError):
        raise ValueError("manifest.json is not JSON") from None


def _holds(text: bytes) -> bool:
    start = text.rfind(b',\n  "seal"')
    tail = SEAL.fullmatch(text, start) if start >= 0 else None
    return tail is not None and hashlib.sha256(text[:start]).hexdigest() == tail[1].decode()


def _is_whole(item: Any) -> bool:
    """Also 1.0, which is the same number in JSON."""
    number = isinstance(item, (int, float)) and not isinstance(item, bool)
    return number and 0 <= item <= LARGEST and item == int(item)


def _whole(value: dict[str, Any], key: str, name: str) -> int:
    if not _is_whole(value.get(key)):
        _refuse(value, key, name)
    return int(value[key])


def _position(value: Any) -> Position | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        _refuse({"data": value}, "data", "data")
    if not isinstance(value.get("shard"), str):
        _refuse(value, "shard", "data.shard")
    return Position(value["shard"], _whole(value, "line", "data.line"))


def _files(value: Any) -> dict[str, File]:
    if not isinstance(value, dict) or "state.pt" not in value:
        raise ValueError("manifest.json: files names no state.pt")
    files = {}
    for name, item in value.items():
        size = item.get("bytes") if isinstance(item, dict) else None
        sha = item.get("sha256") if isinstance(item, dict) else None
        if not FILE_NAME.fullmatch(name) or not _is_whole(size) or not isinstance(sha, str) or not HEX64.fullmatch(sha):
            raise ValueError(f"manifest.json: files: the entry of {json.dumps(name)[:80]} is not complete")
        assert size is not None
        files[name] = File(int(size), sha)
    return files


def _metrics(value: Any) -> dict[str, float]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        _refuse({"metrics": value}, "metrics", "metrics")
    for name, number in value.items():
        if name in ("", "__proto__") or not _is_float(number):
            raise ValueError(f"manifest.json: metrics: the entry of {json.dumps(name)[:80]} is no number of a name")
    return {name: float(number) for name, number in value.items()}


def _is_float(number: Any) -> bool:
    """One that both languages can hold."""
    try:
        return isinstance(number, (int, float)) and not isinstance(number, bool) and math.isfinite(number)
    except OverflowError:
        return False


def _refuse(value: dict[str, Any], key: str, name: str) -> NoReturn:
    raise ValueError(f"manifest.json: {name} is {_short(value, key)}")


def _short(value: dict[str, Any], key: str) -> str:
    return json.dumps(value[key])[:80] if key in value else "missing"
