"""The manifest, by the same texts that src/checkpoint/manifest.ts is tested with."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest

from ftc.checkpoint.manifest import File, Manifest, Position, parse

VECTORS = json.loads((Path(__file__).parents[3] / "test" / "vectors" / "manifest.json").read_text())


def text_of(vector: dict[str, Any]) -> bytes:
    return base64.b64decode(vector["base64"]) if "base64" in vector else str(vector["text"]).encode()


@pytest.mark.parametrize("vector", [pytest.param(v, id=v["name"]) for v in VECTORS["valid"]])
def test_a_good_one_is_read(vector: dict[str, Any]) -> None:
    found = parse(text_of(vector))
    written = json.loads(found.encode())
    assert re.fullmatch("[0-9a-f]{64}", written.pop("seal"))
    assert written == vector["expect"]
    assert parse(found.encode()) == found


@pytest.mark.parametrize("vector", [pytest.param(v, id=v["name"]) for v in VECTORS["invalid"]])
def test_a_bad_one_is_refused_with_the_reason(vector: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=re.escape(vector["reason"])):
        parse(text_of(vector))


def test_it_is_written_as_it_is_read() -> None:
    about = Manifest("j", 1, 2, 3, 4, 5, 6, 7, "2.6.0", "0" * 64, "1" * 64, "now", {"state.pt": File(3, "2" * 64)}, Position("a", 9))
    assert parse(about.encode()) == about
    assert json.loads(about.encode())["data"] == {"shard": "a", "line": 9}


def test_no_bit_of_what_is_written_can_flip_unnoticed() -> None:
    about = Manifest("j", 1, 2, 3, 4, 5, 6, 7, "2.6.0", "0" * 64, "1" * 64, "now", {"state.pt": File(3, "2" * 64)}, Position("a", 9))
    text = about.encode()
    for place in range(len(text)):
        for bit in range(8):
            flipped = bytearray(text)
            flipped[place] ^= 1 << bit
            try:
                assert parse(bytes(flipped)) == about  # in the seal's own name, or in space behind the end
            except ValueError:
                pass
