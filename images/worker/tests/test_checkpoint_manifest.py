"""The manifest, by the same texts that src/checkpoint/manifest.ts is tested with."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from ftc.checkpoint.manifest import MOST_BYTES, File, Manifest, Position, parse

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


def about(**more: Any) -> Manifest:
    return Manifest("j", 1, 2, 3, 4, 5, 6, 7, "2.6.0", "0" * 64, "1" * 64, "now", {"state.pt": File(3, "2" * 64)}, Position("a", 9), **more)


def test_one_without_metrics_has_the_bytes_that_it_always_had() -> None:
    text = about(metrics={"loss": float("nan")}, finished=None).encode()
    assert text == about().encode()
    assert hashlib.sha256(text).hexdigest() == "812dc8f04aef9b6ee39770ccb31b586f452d447a305661327032ff5bd1734b29"


def test_metrics_and_the_reason_of_an_early_end_are_written_as_they_are_read() -> None:
    said = about(metrics={"val_loss": 0.1, "größe": 2.0}, finished="no better")
    assert parse(said.encode()) == said
    assert parse(about(metrics={"a": float("inf"), "b": 1.0}).encode()).metrics == {"b": 1.0}


def test_metrics_never_make_a_manifest_too_large_to_be_read() -> None:
    text = about(metrics={f"a metric of step {step}": 0.5 for step in range(100_000)}).encode()
    assert len(text) < MOST_BYTES
    assert parse(text) == about()


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
