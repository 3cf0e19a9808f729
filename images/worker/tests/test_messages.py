from __future__ import annotations

import dataclasses
import json
import random
from pathlib import Path
from typing import Any

import pytest

from ftc import messages
from ftc.codec import camel, encode, parse
from ftc.errors import ProtocolError
from ftc.lines import LineBuffer
from ftc.messages import MAX_LINE_BYTES, Message

VECTORS = json.loads((Path(__file__).parents[3] / "test" / "vectors" / "control-link.json").read_text())
SENT = {cls.type: cls for cls in vars(messages).values() if isinstance(cls, type) and issubclass(cls, Message) and cls is not Message}


def of(direction: str, kind: str) -> list[Any]:
    return [pytest.param(v, id=v["name"]) for v in VECTORS[kind] if v["direction"] == direction]


def plain(value: Any) -> Any:
    """A dataclass as the wire names its fields."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {camel(f.name): plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    return [plain(item) for item in value] if isinstance(value, tuple) else value


@pytest.mark.parametrize("vector", of("outbound", "valid"))
def test_what_the_master_says_is_read(vector: dict[str, Any]) -> None:
    assert plain(parse(json.dumps(vector["message"]).encode())) == vector["expect"]


@pytest.mark.parametrize("vector", of("outbound", "invalid"))
def test_what_it_must_not_say_is_refused_by_name(vector: dict[str, Any]) -> None:
    line = vector["line"] if "line" in vector else json.dumps(vector["message"])
    with pytest.raises(ProtocolError, match=vector["error"]):
        parse(line.encode())


@pytest.mark.parametrize("vector", of("inbound", "valid"))
def test_what_a_worker_says_is_what_the_master_reads(vector: dict[str, Any]) -> None:
    cls = SENT[vector["message"]["type"]]
    by_wire_name = {camel(f.name): f.name for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    message = cls(**{by_wire_name[key]: value for key, value in vector["expect"].items()})
    assert json.loads(encode(message)) == {"type": cls.type, **vector["expect"]}


def test_a_place_in_a_tensor_is_a_list_on_the_wire() -> None:
    said = messages.Diverged(4, 42, 30, "model.0.weight", (3, 1), ("3f2a9c",), "repaired")
    (vector,) = (v for v in VECTORS["valid"] if v["name"] == "diverged, the minority repaired")
    assert json.loads(encode(said)) == vector["message"]


def test_numbers_that_json_cannot_carry_are_not_sent() -> None:
    with pytest.raises(ValueError):
        encode(messages.Done(1, "f" * 64, {"accuracy": float("nan")}))


def test_a_stream_is_cut_into_lines_wherever_it_is_torn() -> None:
    stream = b'{"a":1}\n\n{"b":2}\n'
    for size in range(1, len(stream) + 1):
        buffer = LineBuffer()
        lines = [line for at in range(0, len(stream), size) for line in buffer.feed(stream[at : at + size])]
        assert lines == [b'{"a":1}', b'{"b":2}']


def test_a_line_over_the_limit_is_refused() -> None:
    buffer = LineBuffer()
    assert buffer.feed(b"x" * MAX_LINE_BYTES) == []
    with pytest.raises(ProtocolError, match="longer"):
        buffer.feed(b"x")


def test_anything_at_all_is_read_or_refused_and_nothing_else() -> None:
    rng = random.Random(20)
    known = [json.dumps(v["message"], ensure_ascii=False).encode() for v in VECTORS["valid"]]
    odd = [b"1e400", b"-1", b"null", b"[]", b"{}", b'"\xff"', b"NaN", b'"\\ud800"', b"9" * 400, b"[" * 3000, b"0.5", b"true"]
    refused = 0
    for _ in range(4000):
        line = bytearray(rng.choice(known))
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(line) + 1)
            change = rng.randrange(4)
            if change == 0:
                line[at:at] = rng.choice(odd)
            elif change == 1:
                line[at : at + rng.randint(1, 20)] = b""
            elif change == 2:
                line[at : at + 1] = bytes([rng.randrange(256)])
            else:  # the value of some field
                colons = [i for i, byte in enumerate(line) if byte == ord(":")]
                if colons:
                    start = rng.choice(colons) + 1
                    end = next((i for i in range(start, len(line)) if line[i] in b",}"), len(line))
                    line[start:end] = rng.choice(odd)
        buffer = LineBuffer()
        size = rng.randint(1, 40)
        stream = bytes(line) + b"\n"
        for piece in (part for at in range(0, len(stream), size) for part in buffer.feed(stream[at : at + size])):
            try:
                parse(piece)
            except ProtocolError:
                refused += 1
    assert refused > 1000
