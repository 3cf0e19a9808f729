"""A data set in a folder: what is read of it when, and what happens when it is not what it was."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ftc
from ftc.data import as_source
from ftc.errors import UsageError
from ftc.sharded import index, inspection
from ftc.sharded.dataset import ShardedDataset
from ftc.sharded.errors import DataError
from ftc.slices import Plan, Slice
from shards import jsonl, rows


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FTC_DATA_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def scans(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The shards that were read whole."""
    seen: list[str] = []

    def inspect(fd: int, kind: str, where: str) -> Any:
        seen.append(where.rpartition("/")[2])
        return inspection.inspect(fd, kind, where)

    monkeypatch.setattr("ftc.sharded.depot.inspect", inspect)
    return seen


def everything(data: ShardedDataset) -> list[Any]:
    return [data[number] for number in range(len(data))]


def test_samples_are_numbered_through_the_shards_by_name(tmp_path: Path) -> None:
    data = ftc.ShardedDataset(jsonl(tmp_path / "d", 3, 0, 2))
    assert [sample["n"] for sample in everything(data)] == [0, 1, 2, 3, 4]
    assert [data.locate(n) for n in (0, 2, 3)] == [("s0000.jsonl", 0), ("s0000.jsonl", 2), ("s0002.jsonl", 0)]
    with pytest.raises(IndexError, match="sample 5 of 5"):
        data[5]
    assert [shard.samples for shard in data.shards] == [3, 0, 2]


def test_a_batch_is_collated_as_a_loader_would(tmp_path: Path) -> None:
    data = ftc.ShardedDataset(jsonl(tmp_path / "d", 3, 2), transform=lambda s: (torch.tensor([s["s"], s["l"]]), s["n"]))
    x, y = data.fetch(torch.tensor([4, 0]))
    assert x.tolist() == [[1, 1], [0, 0]] and y.tolist() == [4, 0]
    (records,) = ftc.ShardedDataset(tmp_path / "d").fetch(torch.tensor([4, 0]))
    assert records["n"].tolist() == [4, 0]


def test_arrays_and_packed_lines_read_alike(tmp_path: Path) -> None:
    for kind in ("npy", "npz", "gz"):
        (tmp_path / kind).mkdir()
    for shard in range(3):
        part = rows(4 * shard, 4)
        np.save(tmp_path / "npy" / f"{shard}.npy", part)
        np.savez(tmp_path / "npz" / f"{shard}.npz", x=part, y=np.arange(4))
        text = "".join(f"{json.dumps(row.tolist())}\n" for row in part).encode()
        middle = text.index(b"\n") + 3  # two members, as `cat a.gz b.gz` makes them
        (tmp_path / "gz" / f"{shard}.jsonl.gz").write_bytes(gzip.compress(text[:middle]) + gzip.compress(text[middle:]))
    indices = torch.tensor([11, 0, 5])
    expected = rows(0, 12)[indices.numpy()].tolist()
    assert ftc.ShardedDataset(tmp_path / "npy").fetch(indices)[0].tolist() == expected
    (named,) = ftc.ShardedDataset(tmp_path / "npz").fetch(indices)
    assert named["x"].tolist() == expected and named["y"].tolist() == [3, 0, 1]
    assert ftc.ShardedDataset(tmp_path / "gz", transform=torch.tensor).fetch(indices)[0].tolist() == expected


def test_a_shard_is_read_whole_once_and_never_again(tmp_path: Path, scans: list[str]) -> None:
    folder = jsonl(tmp_path / "d", 3, 2)
    everything(ShardedDataset(folder))
    assert sorted(scans) == ["s0000.jsonl", "s0001.jsonl"]
    everything(ShardedDataset(folder))
    assert len(scans) == 2


def test_with_an_index_beside_them_none_is_read_before_it_is_needed(tmp_path: Path, scans: list[str]) -> None:
    folder = jsonl(tmp_path / "d", 3, 2)
    program = [sys.executable, "-m", "ftc.sharded.index", str(folder)]
    done = subprocess.run(program, capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout.startswith("2 shards, 5 samples, ") and done.stderr == ""
    data = ShardedDataset(folder)
    assert len(data) == 5 and scans == []
    data[4]
    assert scans == ["s0001.jsonl"]


@pytest.mark.parametrize("damage", ["starts", "record", "both"])
def test_what_is_remembered_is_believed_only_whole(tmp_path: Path, cache: Path, damage: str) -> None:
    folder = jsonl(tmp_path / "d", 3, 2)
    expected = everything(ShardedDataset(folder))
    for path in (cache / "known").iterdir():
        if damage == "both" or path.suffix == (".lines" if damage == "starts" else ".json"):
            path.write_bytes(path.read_bytes()[:-7])
    assert everything(ShardedDataset(folder)) == expected


def rewrite(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text().replace(old, new))


def test_a_shard_that_changes_while_it_is_read_stops_the_job(tmp_path: Path) -> None:
    folder = jsonl(tmp_path / "d", 5, 5)
    data = ShardedDataset(folder)
    data.fetch(torch.tensor([7]))
    (folder / "s0001.jsonl").touch()
    data.fetch(torch.tensor([7, 1]))  # the same bytes under another time
    rewrite(folder / "s0001.jsonl", '"l": 4', '"l": 9')
    with pytest.raises(DataError, match=r"s0001.jsonl has changed since it was counted: .*SHA-256"):
        data.fetch(torch.tensor([7]))
    with pytest.raises(DataError, match=r"s0001.jsonl has changed"):
        data.fetch(torch.tensor([7]))
    assert data.fetch(torch.tensor([1]))


@pytest.mark.parametrize("text", ["", '{"x": [1], "l": 0}\n', "{" * 400, '{"l": "a word"}\n' * 40], ids=["emptied", "shortened", "no JSON", "for transform="])
@pytest.mark.parametrize("through", ["fetch", "slice"])
def test_a_shard_that_was_written_to_is_named_whatever_the_reading_met(tmp_path: Path, text: str, through: str) -> None:
    folder = jsonl(tmp_path / "d", 5, 5)
    data = ShardedDataset(folder, transform=lambda sample: sample["l"] + 1)
    source = as_source(data, seed=0)

    def read() -> None:
        wanted = torch.tensor([1, 7])
        data.fetch(wanted) if through == "fetch" else source.fetch(Slice(1, 0, wanted))

    read()
    (folder / "s0001.jsonl").write_text(text)
    with pytest.raises(DataError, match="s0001.jsonl has changed since it was counted"):
        read()


def test_a_shard_that_was_replaced_or_is_gone_stops_the_job(tmp_path: Path) -> None:
    folder = jsonl(tmp_path / "d", 5, 5, 5)
    data = ShardedDataset(folder)
    data.fetch(torch.tensor([0, 5]))
    jsonl(tmp_path / "other", 4)
    os.replace(tmp_path / "other" / "s0000.jsonl", folder / "s0000.jsonl")
    with pytest.raises(DataError, match="s0000.jsonl has changed since it was counted: bytes .* samples 4, not 5"):
        data.fetch(torch.tensor([0]))
    (folder / "s0001.jsonl").unlink()
    with pytest.raises(DataError, match="s0001.jsonl cannot be read by user .*: No such file"):
        data.fetch(torch.tensor([5]))
    rewrite(folder / "s0002.jsonl", '"l": 4', '"l": 9')  # never opened before
    with pytest.raises(DataError, match="s0002.jsonl has changed"):
        data.fetch(torch.tensor([10]))


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("more", "s0009.jsonl is not in .*shards.index.json"),
        ("fewer", "s0001.jsonl is in .*shards.index.json, but not there"),
        ("longer", "s0001.jsonl has 5. bytes, and 5. in"),
        ("other", "SHA-256"),
        ("json", "shards.index.json cannot be read: python3 -m"),
        ("format", "has format 2, and 1 is known"),
        ("negative", "cannot be read"),
    ],
)
def test_an_index_of_other_shards_is_refused(tmp_path: Path, what: str, reason: str) -> None:
    folder = jsonl(tmp_path / "d", 2, 2)
    index.write(folder)
    there = folder / index.NAME
    if what == "more":
        jsonl(folder, 1, start=9)
    elif what == "fewer":
        (folder / "s0001.jsonl").unlink()
    elif what == "longer":
        rewrite(folder / "s0001.jsonl", '"l": 1', '"l":  1')
    elif what == "other":
        rewrite(folder / "s0001.jsonl", '"l": 1', '"l": 3')
    elif what == "json":
        there.write_text(there.read_text()[:-9])
    else:
        rewrite(there, *(('"format": 1', '"format": 2') if what == "format" else ('"samples": 2', '"samples": -2')))
    with pytest.raises(DataError, match=reason):
        everything(ShardedDataset(folder))


def test_shards_of_different_kinds_are_no_data_set(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", rows(0, 2))
    np.save(tmp_path / "b.npy", rows(0, 2, width=4))
    with pytest.raises(DataError, match=r"different kinds: float32\[3\] in a.npy, float32\[4\] in b.npy"):
        ShardedDataset(tmp_path)
    np.save(tmp_path / "b.npy", rows(0, 2).astype(np.float64))
    with pytest.raises(DataError, match=r"float32\[3\] in a.npy, float64\[3\] in b.npy"):
        ShardedDataset(tmp_path)


def test_no_data_says_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no folder"):
        ShardedDataset(tmp_path / "nowhere")
    with pytest.raises(DataError, match="gs://b/p' cannot be read: a folder or s3://bucket/prefix can"):
        ShardedDataset("gs://b/p")
    folder = jsonl(tmp_path / "d", 0, 0)
    with pytest.raises(DataError, match="give the folder, and pattern='s0000.jsonl'"):
        ShardedDataset(folder / "s0000.jsonl")
    with pytest.raises(UsageError, match="the data has no samples"):
        as_source(ShardedDataset(folder))


def test_a_transform_that_fails_names_the_sample(tmp_path: Path) -> None:
    data = ShardedDataset(jsonl(tmp_path / "d", 1, 3), transform=lambda sample: sample["missing"])
    with pytest.raises(KeyError) as raised:
        data.fetch(torch.tensor([3]))
    assert getattr(raised.value, "__notes__") == ["(in transform=, of sample 2 of s0001.jsonl, counted from 0)"]


def test_where_a_job_stands_is_told_and_other_data_is_refused(tmp_path: Path) -> None:
    plan = Plan(10, 4, 2, seed=3)
    reading = ShardedDataset(jsonl(tmp_path / "d", 5, 5)).reading(plan)
    for step in range(9):
        first = int(reading.take(plan.epoch_of(step), *plan.batch_bounds(step))[0])
        assert reading.position(step) == (f"s000{first // 5}.jsonl", first % 5)
    again = ShardedDataset(tmp_path / "d", prefetch=0).reading(plan)
    again.load_state_dict(reading.state_dict())
    for other in (
        ShardedDataset(tmp_path / "d", window=3).reading(plan),
        ShardedDataset(tmp_path / "d").reading(Plan(10, 4, 2, seed=3, shuffle=False)),
        ShardedDataset(jsonl(tmp_path / "e", 5, 6)).reading(plan),
    ):
        with pytest.raises(DataError, match=r"is not what this job was trained on so far \(.* then, .* now"):
            other.load_state_dict(reading.state_dict())
    rewrite(tmp_path / "d" / "s0001.jsonl", '"l": 1', '"l": 2')
    with pytest.raises(DataError, match="fingerprint: "):
        ShardedDataset(tmp_path / "d").reading(plan).load_state_dict(reading.state_dict())
