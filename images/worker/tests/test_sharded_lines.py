"""Where lines begin: against a plain reading of the same bytes, at every cut between two chunks."""

from __future__ import annotations

import hashlib
import os
import random
from pathlib import Path

import pytest

from ftc.sharded import lines
from ftc.sharded.errors import DataError
from ftc.sharded.inspection import inspect
from ftc.sharded.readers import Reader

PIECES = [b"\n", b"\r\n", b"  \n", b"\t", b" ", b"\r", b'{"a": 1}', b"[1, 2]\n", b'"x"\r\n', b"7"]


def opened(path: Path, data: bytes) -> int:
    path.write_bytes(data)
    return os.open(path, os.O_RDONLY)


def test_lines_are_those_of_a_plain_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(400):
        dice = random.Random(seed)
        data = b"".join(dice.choice(PIECES) for _ in range(dice.randrange(12)))
        monkeypatch.setattr(lines, "CHUNK", dice.randrange(1, 9))
        fd = opened(tmp_path / "a.jsonl", data)
        sha256, starts = lines.scan(fd)
        begins = [int(start) for start in starts]
        found = [data[a:b].strip() for a, b in zip(begins, begins[1:])]
        assert found == [line.strip() for line in data.split(b"\n") if line.strip()], data
        assert sha256 == hashlib.sha256(data).hexdigest() and starts[-1] == len(data)
        os.close(fd)


@pytest.mark.parametrize(
    ("data", "samples"),
    [
        (b"", []),
        (b"\n\n", []),
        (b"1", [1]),
        (b"1\n2", [1, 2]),
        (b"1\r\n\r\n 2 \r\n", [1, 2]),
        (b"\n\n1\n\n\n2\n\n", [1, 2]),
        (b"\xef\xbb\xbf1\n2\n", [1, 2]),
        ('"é\u2028"\n'.encode(), ["é\u2028"]),
    ],
)
def test_what_counts_as_a_sample(tmp_path: Path, data: bytes, samples: list[object]) -> None:
    fd = opened(tmp_path / "a.jsonl", data)
    facts, inside = inspect(fd, ".jsonl", "a.jsonl")
    reader = Reader("a.jsonl", fd, inside)
    assert [reader.read(line) for line in range(facts.samples)] == samples
    reader.close()


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        (b'1\n\n{"a": \n3\n', 1, r"a\.jsonl, line 3, is not JSON: Expecting value"),
        (b"1\n2\n3 4\n", 2, "line 3, is not JSON: Extra data at column 3"),
        (b'"ok"\n"\xff"\n', 1, "line 2, is not JSON: byte 2 is not UTF-8"),
    ],
)
def test_a_line_that_is_no_json_is_named(tmp_path: Path, data: bytes, line: int, reason: str) -> None:
    fd = opened(tmp_path / "a.jsonl", data)
    reader = Reader("a.jsonl", fd, inspect(fd, ".jsonl", "a.jsonl")[1])
    with pytest.raises(DataError, match=reason):
        reader.read(line)
    assert reader.read(0) is not None
    reader.close()


def test_a_file_that_was_cut_while_it_is_read_is_an_error_and_no_crash(tmp_path: Path) -> None:
    fd = opened(tmp_path / "a.jsonl", b"1\n2\n3\n")
    reader = Reader("a.jsonl", fd, inspect(fd, ".jsonl", "a.jsonl")[1])
    os.truncate(tmp_path / "a.jsonl", 3)
    with pytest.raises(DataError, match="shorter"):
        reader.read(2)
    reader.close()
