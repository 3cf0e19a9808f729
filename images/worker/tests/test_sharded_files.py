"""Which files are shards, and arrays read where they lie."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ftc.sharded.errors import DataError
from ftc.sharded.inspection import Facts, inspect
from ftc.sharded.names import choose, kind_of
from ftc.sharded.readers import Reader
from shards import rows


@pytest.mark.parametrize(
    ("there", "pattern", "chosen"),
    [
        (["b.jsonl", "a.jsonl", "README.md", "shards.index.json"], None, ["a.jsonl", "b.jsonl"]),
        (["a.jsonl.gz", "a.jsonl", ".b.jsonl", "c.jsonl.tmp"], None, ["a.jsonl", "a.jsonl.gz"]),
        (["a10.npy", "a9.npy", "B.npy"], None, ["B.npy", "a10.npy", "a9.npy"]),
        (["x.npy", "x.jsonl"], "*.npy", ["x.npy"]),
        (["train/1.npz", "val/1.npz", "1.npz"], "train/*.npz", ["train/1.npz"]),
        (["train/1.npz", "val/1.npz", "1.npz"], "*/1.npz", ["train/1.npz", "val/1.npz"]),
    ],
)
def test_shards_are_told_by_name(there: list[str], pattern: str | None, chosen: list[str]) -> None:
    assert choose(there, pattern, "here") == chosen
    assert choose(reversed(there), pattern, "here") == chosen


@pytest.mark.parametrize(
    ("there", "pattern", "reason"),
    [
        ([], None, "no shards .* in here: there is nothing"),
        (["a.txt", "b.parquet"], None, "there is a.txt, b.parquet"),
        (["a.npy"], "train-*", "no shards like train-"),
        (["a.npy", "b.jsonl"], None, r"JSON lines \(b.jsonl\) and arrays \(a.npy\): say with pattern="),
        (["w.safetensors"], "*.safetensors", "w.safetensors in here cannot be read as a shard"),
        (["w.pt"], "*", "w.pt in here cannot be read"),
        (["a\udcff.npy"], None, "not UTF-8"),
    ],
)
def test_what_cannot_be_meant_is_told(there: list[str], pattern: str | None, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        choose(there, pattern, "here")


def read(path: Path) -> tuple[Facts, list[Any]]:
    fd = os.open(path, os.O_RDONLY)
    kind = kind_of(path.name)
    assert kind is not None
    try:
        facts, inside = inspect(fd, kind, path.name)
    except BaseException:
        os.close(fd)
        raise
    reader = Reader(path.name, fd, inside)
    found = [reader.read(row) for row in range(facts.samples)]
    reader.close()
    return facts, found


@pytest.mark.parametrize(
    "array",
    [
        rows(0, 5),
        np.arange(7, dtype=np.int64),
        np.arange(6, dtype=">i4").reshape(3, 2),
        np.zeros((0, 4), np.uint8),
        np.zeros((3, 0), np.float16),
        np.array([True, False]),
        np.array([(1, 2.0)], dtype=[("a", "<i4"), ("b", "<f8")]),
    ],
)
def test_rows_are_those_of_the_array(tmp_path: Path, array: np.ndarray[Any, Any]) -> None:
    np.save(tmp_path / "a.npy", array)
    facts, found = read(tmp_path / "a.npy")
    assert facts.samples == len(array)
    for row, expected in zip(found, array):
        assert np.array_equal(row, expected) and row.shape == expected.shape
        assert row.dtype == expected.dtype.newbyteorder("=") and row.flags.writeable


def test_named_arrays_are_a_dict_a_row(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", y=np.arange(4), x=rows(10, 4))
    facts, found = read(tmp_path / "a.npz")
    assert facts.samples == 4 and facts.layout == "x:float32[3] y:int64[]"
    assert [(one["x"].tolist(), int(one["y"])) for one in found] == [([10.0 + i] * 3, i) for i in range(4)]


def broken(path: Path) -> None:
    """Writes what the name says is wrong."""
    how = path.stem
    if how == "objects":
        np.save(path, np.array([{}, []], dtype=object), allow_pickle=True)
    elif how == "number":
        np.save(path, np.float32(1))
    elif how == "fortran":
        np.save(path, np.asfortranarray(rows(0, 4)))
    elif how == "compressed":
        np.savez_compressed(path, x=rows(0, 4))
    elif how == "lengths":
        np.savez(path, x=rows(0, 4), y=rows(0, 5))
    elif how == "cut":
        np.save(path, rows(0, 50))
        os.truncate(path, path.stat().st_size - 1)
    elif how == "long":
        np.save(path, rows(0, 50))
        with open(path, "ab") as file:
            file.write(b"x")
    else:
        path.write_bytes(b"" if how == "empty" else b"hello, this is nothing that numpy knows" * 9)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("objects.npy", "Python objects"),
        ("number.npy", "rows are needed"),
        ("fortran.npy", "np.ascontiguousarray"),
        ("cut.npy", "announces 600 bytes of rows, and 599"),
        ("long.npy", "announces 600 bytes of rows, and 601"),
        ("empty.npy", "the shard empty.npy cannot be read"),
        ("other.npy", "the shard other.npy cannot be read"),
        ("compressed.npz", "np.savez instead"),
        ("lengths.npz", "different lengths: {'x': 4, 'y': 5}"),
        ("empty.npz", "no .npz file"),
        ("other.npz", "no .npz file"),
    ],
)
def test_arrays_that_cannot_be_read_by_row_say_why(tmp_path: Path, name: str, reason: str) -> None:
    broken(tmp_path / name)
    with pytest.raises(DataError, match=reason):
        read(tmp_path / name)
