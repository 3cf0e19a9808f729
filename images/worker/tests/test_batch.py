"""What arrives in the script: whatever a collate function makes, complete on the device, and looked at once for the first time."""

from __future__ import annotations

import collections
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
import torch
from torch.nn.utils.rnn import PackedSequence, pack_sequence

from ftc.data import Batch, to_device

META = torch.device("meta")


class Pair(NamedTuple):
    first: Any
    second: Any


@dataclass(frozen=True)
class Frozen:
    x: Any
    name: str

    def __post_init__(self) -> None:
        assert self.name == "new", "made anew"


class Encoding(collections.UserDict[str, Any]):
    """Like a tokenizer's batch: a mapping with attributes, which moves itself."""

    def to(self, device: torch.device) -> Encoding:
        return Encoding({key: value.to(device) for key, value in self.data.items()})


class Named(collections.UserDict[str, Any]):
    more = "kept"


class Row(list[Any]):
    more = "kept"


def here(data: Any) -> set[str]:
    """The devices of all tensors in what is made of plain containers."""
    if isinstance(data, torch.Tensor):
        return {data.device.type}
    items = data.values() if isinstance(data, collections.abc.Mapping) else data if isinstance(data, (list, tuple)) else ()
    return set().union(*map(here, items))


def t() -> torch.Tensor:
    return torch.ones(2)


def test_every_tensor_moves_and_nothing_else_changes() -> None:
    data = {
        "pair": Pair(t(), [t(), "text", 3, None]),
        "plain": (t(), {"deep": [t()]}),
        "ordered": collections.OrderedDict(b=t(), a=t()),
        "default": collections.defaultdict(t, a=t()),
        "proxy": MappingProxyType({"a": t()}),
        "user": Named(a=t()),
        "encoding": Encoding(a=t()),
        "packed": pack_sequence([t(), t()]),
        "frozen": Frozen(t(), "new"),
        "row": Row([t(), 5]),
        "queue": collections.deque([t()]),
        "text": "text",
        "numbers": range(3),
        "device": torch.device("cpu"),
        "dtype": torch.float32,
        "size": t().shape,
    }
    moved = to_device(data, META)
    containers = ("pair", "plain", "ordered", "default", "proxy", "user", "encoding", "row")
    assert here({key: moved[key] for key in containers}) == {"meta"}
    assert isinstance(moved["packed"], PackedSequence) and moved["packed"].data.device == META
    assert moved["frozen"].x.device == META and moved["frozen"].name == "new"
    assert moved["queue"][0].device == META
    for key, value in data.items():
        assert type(moved[key]) is type(value)
    assert moved["pair"].second[1:] == ["text", 3, None]
    assert list(moved["ordered"]) == ["b", "a"] and torch.equal(moved["default"]["new"], t())
    assert moved["user"].more == moved["row"].more == "kept" and moved["row"][1] == 5
    assert {key: moved[key] for key in ("text", "numbers", "device", "dtype", "size")} == {
        "text": "text", "numbers": range(3), "device": torch.device("cpu"), "dtype": torch.float32, "size": (2,)
    }  # fmt: skip
    assert here(data) == {"cpu"} and data["frozen"].x.device.type == "cpu"  # type: ignore[attr-defined]


def batch(data: Any) -> Batch:
    return Batch(data, torch.arange(7))


def test_parts_are_those_of_a_tuple_or_a_list_or_the_one_that_there_is() -> None:
    x, y = batch((1, 2))
    assert (x, y) == (1, 2) and batch([1, 2]).parts == (1, 2)
    pair = batch(Pair(1, 2))
    assert (pair.x, pair.y, pair.data.second, pair[1]) == (1, 2, 2, 2)
    (one,) = batch(t())
    assert torch.equal(one, t()) and len(batch(t())) == 7 and torch.equal(batch(t()).x, t())
    assert repr(batch(t())) == "Batch(7 samples)"


def test_a_dicts_values_come_by_name() -> None:
    named = batch({"input_ids": 1, "labels": 2})
    assert named["labels"] == 2 and "labels" in named and "other" not in named
    assert dict(**named) == dict(named.items()) == named.data and list(named.keys()) == ["input_ids", "labels"]
    assert named.parts == ({"input_ids": 1, "labels": 2},) and named.x["labels"] == 2
    with pytest.raises(TypeError, match="holds no names but tuple"):
        dict(**batch((1, 2)))


LOOKS: dict[str, Any] = {
    "x": lambda b: b.x,
    "y": lambda b: b.y,
    "parts": lambda b: b.parts,
    "data": lambda b: b.data,
    "item": lambda b: b[0],
    "iteration": lambda b: list(b),
    "unpacking": lambda b: [*b],
    "in": lambda b: 1 in b,
}


@pytest.mark.parametrize("look", LOOKS)
def test_the_first_look_at_the_contents_is_told_before_it(look: str) -> None:
    told: list[str] = []
    one = Batch((1, 2), torch.arange(7), lambda: told.append("touched"))
    assert len(one) == 7 and one.indices.tolist() == list(range(7)) and bool(one) and repr(one) and told == []
    LOOKS[look](one)
    assert told == ["touched"]
    for other in LOOKS.values():
        other(one)
    assert told == ["touched"]


@pytest.mark.parametrize("look", ["keys", "items"])
def test_names_are_contents_too(look: str) -> None:
    told: list[str] = []
    getattr(Batch({"a": 1}, torch.arange(7), lambda: told.append("touched")), look)()
    assert told == ["touched"]
