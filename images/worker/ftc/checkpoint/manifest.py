"""`manifest.json` beside a checkpoint's files: what it is, and by what it verifies. docs/protocol.md has an example."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, fields
from typing import Any

from ..codec import camel

FORMAT = 1
HEX64 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class File:
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """`samples`: in all committed steps; `digest`: of the state; `signature`: of the model without its values."""

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
    format: int = FORMAT

    def encode(self) -> bytes:
        body = {camel(key): value for key, value in asdict(self).items()}
        return json.dumps({"format": body.pop("format"), **body}, indent=2).encode() + b"\n"


def parse(text: bytes) -> Manifest:
    """Raises ValueError that says what is wrong."""
    try:
        value = json.loads(text)
    except ValueError:
        raise ValueError("manifest.json is not JSON") from None
    if not isinstance(value, dict):
        raise ValueError("manifest.json is not an object")
    if value.get("format") != FORMAT:
        raise ValueError(f"manifest.json has format {value.get('format')!r:.40}, and {FORMAT} is known")
    found: dict[str, Any] = {}
    for field in fields(Manifest):
        item = value.get(camel(field.name))
        if field.name == "files":
            found["files"] = _files(item)
        elif str(field.type) == "int":
            if not isinstance(item, int) or isinstance(item, bool) or item < 0:
                raise ValueError(f"manifest.json: {camel(field.name)} is {item!r:.40}")
            found[field.name] = item
        else:
            if not isinstance(item, str) or (field.name in ("digest", "signature") and not HEX64.fullmatch(item)):
                raise ValueError(f"manifest.json: {camel(field.name)} is {item!r:.40}")
            found[field.name] = item
    return Manifest(**found)


def _files(value: Any) -> dict[str, File]:
    if not isinstance(value, dict) or "state.pt" not in value:
        raise ValueError("manifest.json names no state.pt")
    files = {}
    for name, item in value.items():
        size = item.get("bytes") if isinstance(item, dict) else None
        sha = item.get("sha256") if isinstance(item, dict) else None
        plain = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name)
        if not plain or type(size) is not int or size < 0 or not isinstance(sha, str) or not HEX64.fullmatch(sha):
            raise ValueError(f"manifest.json: the entry of {name!r:.80} is not complete")
        files[name] = File(size, sha)
    return files
