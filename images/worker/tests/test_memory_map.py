"""Where a worker says that its tensors lie."""

import ctypes
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
import torch
from ftc import memory_map
from ftc.memory_map import publish, started
from torch import nn


@pytest.fixture(autouse=True)
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(memory_map, "PATH", tmp_path / "map.json")
    monkeypatch.setattr(memory_map, "_last", None)
    return tmp_path / "map.json"


def told(path: Path) -> dict[str, dict[str, Any]]:
    return {place["name"]: place for place in json.loads(path.read_text())["tensors"]}


def test_the_bytes_at_the_address_are_the_tensors(path: Path) -> None:
    value = torch.tensor([[1.0, -2.0], [0.5, 3.0]])
    publish([("model.w", nn.Parameter(value))])
    place = told(path)["model.w"]
    assert ctypes.string_at(place["address"], place["bytes"]) == value.numpy().tobytes()
    assert {k: place[k] for k in ("kind", "dtype", "shape", "bytes")} == {
        "kind": "parameter",
        "dtype": "float32",
        "shape": [2, 2],
        "bytes": 16,
    }


def test_it_is_of_this_process_and_for_nobody_else(path: Path) -> None:
    publish([("model.w", torch.ones(1))])
    whole = json.loads(path.read_text())
    assert (whole["version"], whole["pid"], whole["started"]) == (1, os.getpid(), started(os.getpid()))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert started(os.getpid()) > started(1) >= 0 or os.getpid() == 1


def test_a_tensor_is_a_parameter_a_moment_or_a_buffer(path: Path) -> None:
    names = ("model.w", "model.mean", "optimizer.state.0.exp_avg", "buffers.ema", "extra.average.w")
    w, *others = (nn.Parameter(torch.ones(1)), *(torch.ones(1) for _ in names[1:]))
    publish(list(zip(names, (w, *others))))
    assert [told(path)[name]["kind"] for name in names] == ["parameter", "buffer", "moment", "buffer", "buffer"]


@pytest.mark.parametrize(
    "tensor",
    [
        torch.empty(0),
        torch.ones(3, 4).t(),
        torch.ones(1).expand(5),
        torch.ones(3).to_sparse(),
        torch.ones(3, device="meta"),
        torch.ones(2, 2, 2, 2).to(memory_format=torch.channels_last),
    ],
    ids=["empty", "transposed", "expanded", "sparse", "meta", "channels_last"],
)
def test_what_is_not_dense_and_contiguous_is_left_out(path: Path, tensor: torch.Tensor) -> None:
    publish([("model.odd", tensor), ("model.w", torch.ones(1))])
    assert list(told(path)) == ["model.w"]


def test_the_file_is_written_anew_only_where_something_has_moved(path: Path) -> None:
    tensors = [("model.w", torch.ones(1))]
    publish(tensors)
    first = path.stat().st_ino
    publish(tensors)
    assert path.stat().st_ino == first
    moved = [("model.w", torch.ones(1))]
    publish(moved)
    assert told(path)["model.w"]["address"] == moved[0][1].data_ptr() != tensors[0][1].data_ptr()
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_where_nothing_can_be_written_there_is_no_file_and_no_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_map, "PATH", path / "no" / "such" / "folder.json")
    publish([("model.w", torch.ones(1))])
    assert not path.exists()


def test_what_cannot_be_told_takes_the_older_file_away(path: Path) -> None:
    tensors = [("model.w", torch.ones(1))]
    publish(tensors)
    publish([("model.w", "no tensor")])  # type: ignore[list-item]
    assert not path.exists()
    publish(tensors)
    assert list(told(path)) == ["model.w"]
