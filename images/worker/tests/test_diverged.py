"""Replicas that differ, over real groups (threads of this process, loopback): every rank learns where, who, and what each holds."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
import torch

from ftc.group import Group
from ftc.replicas.diverged import Found, locate
from ftc.replicas.leaves import of_state
from ftc.state import clones
from test_reduce import together

State = dict[str, Any]


def state() -> State:
    draw = torch.Generator().manual_seed(1)
    return {
        "model": {
            "0.weight": torch.randn(4, 3, generator=draw),
            "0.turned": torch.randn(3, 5, generator=draw).t(),
            "0.scale": torch.tensor(0.5),
            "1.mask": torch.tensor([[True, False], [False, False]]),
            "1.wave": torch.randn(2, 3, dtype=torch.cfloat, generator=draw),
            "1.short": torch.randn(7, generator=draw).bfloat16(),
            "1.nothing": torch.empty(0, 3),
            "1.long": torch.arange(200_000),
        },
        "optimizer": {"state": {0: {"step": torch.tensor(2.0), "exp_avg": torch.ones(4, 3)}}, "param_groups": [{"lr": 0.1, "name": "ö"}]},
        "extra": {"count": {"n": 3, "big": 2**70, "none": None}},
    }


def flipped(path: list[Any], place: tuple[int, ...], byte: int = 0) -> Callable[[State], None]:
    """One bit of an element."""

    def change(state: State) -> None:
        tensor = at(state, path)
        raw = tensor[place].clone().reshape(1).view(torch.uint8)
        raw[byte] ^= 1
        tensor[place] = raw.view(tensor.dtype)[0]

    return change


def at(state: State, path: list[Any]) -> Any:
    for key in path:
        state = state[key]
    return state


def put(path: list[Any], value: Any) -> Callable[[State], None]:
    def change(state: State) -> None:
        at(state, path[:-1])[path[-1]] = value

    return change


def without(path: list[Any]) -> Callable[[State], None]:
    def change(state: State) -> None:
        del at(state, path[:-1])[path[-1]]

    return change


CHANGES: dict[str, tuple[Callable[[State], None], str, list[int]]] = {
    "a weight": (flipped(["model", "0.weight"], (2, 1)), "model.0.weight", [2, 1]),
    "its sign": (flipped(["model", "0.weight"], (3, 2), 3), "model.0.weight", [3, 2]),
    "turned": (flipped(["model", "0.turned"], (4, 1)), "model.0.turned", [4, 1]),
    "0-d": (flipped(["model", "0.scale"], ()), "model.0.scale", []),
    "bool": (flipped(["model", "1.mask"], (1, 0)), "model.1.mask", [1, 0]),
    "complex, imaginary part": (flipped(["model", "1.wave"], (1, 2), 5), "model.1.wave", [1, 2]),
    "bfloat16": (flipped(["model", "1.short"], (6,)), "model.1.short", [6]),
    "far behind": (flipped(["model", "1.long"], (199_999,), 7), "model.1.long", [199_999]),
    "a moment": (flipped(["optimizer", "state", 0, "exp_avg"], (0, 2)), "optimizer.state.0.exp_avg", [0, 2]),
    "the optimizer's counter": (put(["optimizer", "state", 0, "step"], torch.tensor(3.0)), "optimizer.state.0.step", []),
    "learning rate": (put(["optimizer", "param_groups", 0, "lr"], 0.1 + 2**-56), "optimizer.param_groups.0.lr", []),
    "zero's sign": (put(["optimizer", "param_groups", 0, "lr"], -0.0), "optimizer.param_groups.0.lr", []),
    "text": (put(["optimizer", "param_groups", 0, "name"], "o"), "optimizer.param_groups.0.name", []),
    "number": (put(["extra", "count", "n"], 4), "extra.count.n", []),
    "large number": (put(["extra", "count", "big"], 2**70 + 1), "extra.count.big", []),
    "none": (put(["extra", "count", "none"], 0), "extra.count.none", []),
    "another shape": (put(["model", "0.weight"], torch.zeros(3, 4)), "model.0.weight", []),
    "another dtype": (put(["model", "0.weight"], torch.zeros(4, 3, dtype=torch.float64)), "model.0.weight", []),
    "empty of another shape": (put(["model", "1.nothing"], torch.empty(3, 0)), "model.1.nothing", []),
    "missing tensor": (without(["model", "1.mask"]), "model.1.mask", []),
    "one more": (put(["model", "2.extra"], torch.ones(1)), "model.2.extra", []),
    "missing number": (without(["extra", "count", "n"]), "extra.count.n", []),
    "a number for a tensor": (put(["model", "0.scale"], 0.5), "model.0.scale", []),
    "a tensor for a number": (put(["extra", "count", "n"], torch.tensor(3)), "extra.count.n", []),
}


def located(states: list[State]) -> Found | None:
    """The same on every rank; afterwards the group still understands one another."""

    def act(group: Group) -> Found | None:
        found = locate(group, of_state(states[group.rank]))
        assert locate(group, of_state(states[0])) is None
        return found

    found = together(len(states), act)
    assert all(one == found[0] for one in found)
    return found[0]


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("world", [3, 5])
def test_the_minority_is_named(name: str, world: int) -> None:
    change, leaf, place = CHANGES[name]
    draw = random.Random(f"{name} {world}")
    states = [clones(state()) for _ in range(world)]
    ranks = sorted(draw.sample(range(world), draw.randint(1, (world - 1) // 2)))
    for rank in ranks:
        change(states[rank])
    found = located(states)
    assert found is not None
    assert (found.leaf, found.position, found.ranks) == (leaf, place, ranks)
    assert found.source == min(set(range(world)) - set(ranks))
    assert found.here != found.there or "sign" not in name


@pytest.mark.parametrize("name", CHANGES)
def test_two_that_differ_are_both_named(name: str) -> None:
    change, leaf, place = CHANGES[name]
    for rank in (0, 1):
        states = [clones(state()) for _ in range(2)]
        change(states[rank])
        found = located(states)
        assert found is not None
        assert (found.leaf, found.position, found.ranks, found.source) == (leaf, place, [0, 1], None)


def test_what_each_holds_is_told() -> None:
    states = [clones(state()) for _ in range(3)]
    states[1]["model"]["0.scale"] = torch.tensor(0.75)
    found = located(states)
    assert found is not None and (found.here, found.there) == ("0.75", "0.5")
    states[1] = clones(state())
    del states[1]["extra"]["count"]["n"]
    found = located(states)
    assert found is not None and (found.here, found.there) == ("missing", "there")


def test_no_three_alike_is_no_majority() -> None:
    states = [clones(state()) for _ in range(5)]
    for rank, value in enumerate([0.5, 0.5, 0.25, 0.25, 0.125]):
        states[rank]["model"]["0.scale"] = torch.tensor(value)
    found = located(states)
    assert found is not None and (found.leaf, found.ranks, found.source) == ("model.0.scale", [0, 1, 2, 3, 4], None)


def test_the_first_of_several_differences_is_named() -> None:
    states = [clones(state()) for _ in range(3)]
    for path in (["model", "1.short"], ["model", "0.weight"], ["optimizer", "state", 0, "exp_avg"]):
        flipped(path, (0,) * at(states[2], path).dim())(states[2])
    flipped(["model", "0.weight"], (3, 2))(states[2])
    found = located(states)
    assert found is not None and (found.leaf, found.position) == ("model.0.weight", [0, 0])


@pytest.mark.parametrize("world", [2, 3, 5])
def test_states_that_are_alike_are_found_so(world: int) -> None:
    assert located([clones(state()) for _ in range(world)]) is None


def test_the_order_of_entries_is_told_where_it_is_the_difference() -> None:
    states = [{"a": torch.ones(2), "b": torch.ones(2)}, {"b": torch.ones(2), "a": torch.ones(2)}]
    found = located(states)
    assert found is not None and found.leaf == "the order of the state's entries"
