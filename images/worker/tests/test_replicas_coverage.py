"""Which part of the state each step compares, and what is known when all parts were: every byte once, within the bound."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from ftc.replicas import coverage
from ftc.replicas.check import ReplicaCheck
from ftc.replicas.coverage import MOST_STEPS, TINY, Coverage, cut
from ftc.replicas.leaves import of_state
from ftc.tensors import DTYPES

from states import LAYOUTS, values

SIZES = [0, 1, 3, 4, 7, 8, 9, 63, TINY - 1, TINY, TINY + 1, 3 * TINY + 5, 1 << 16, 300_001, 2 << 20]


def tensors(draw: random.Random, count: int) -> list[torch.Tensor]:
    """Tiny and huge ones mixed."""
    pick = [draw.choice(SIZES), draw.randrange(40), draw.randrange(200_000)]
    return [torch.zeros(draw.choice(pick) if draw.random() < 0.5 else draw.choice(SIZES), dtype=torch.uint8) for _ in range(count)]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """States of a few kilobytes have many parts."""
    monkeypatch.setattr(coverage, "LEAST", 64)


@pytest.mark.parametrize("seed", range(40))
def test_every_byte_comes_once_and_in_order(seed: int) -> None:
    draw = random.Random(seed)
    given = tensors(draw, draw.randrange(60))
    size = draw.choice([8, 64, TINY, 1 << 16, 1 << 19]) if sum(map(len, given)) < 1 << 18 else draw.choice([1 << 16, 1 << 19])
    parts = cut(given, size)
    pieces = [piece for part in parts for piece in part]
    at = iter(pieces)
    for tensor in given:
        end = 0
        while end < len(tensor) or end == 0:
            piece = next(at)
            assert piece.tensor is tensor and piece.start == end and (piece.end > end or len(tensor) == 0)
            assert piece.start % 8 == 0 and (piece.whole or len(tensor) > TINY)
            end = piece.end
            if len(tensor) == 0:
                break
        assert end == len(tensor)
    assert next(at, None) is None
    assert all(part and sum(piece.end - piece.start for piece in part) <= size + TINY for part in parts)


@pytest.mark.parametrize("seed", range(40))
def test_the_whole_state_is_covered_within_the_bound(seed: int, small: None) -> None:
    """Also where many a part ends a few bytes early, because what is left of it is less than a word."""
    draw = random.Random(seed)
    given = tensors(draw, draw.randrange(1, 80)) if seed % 2 else [torch.zeros(draw.randrange(TINY + 1, 3 * TINY) | 7, dtype=torch.uint8) for _ in range(90)]
    assert 1 <= Coverage(of_state(dict(enumerate(given)))).steps <= MOST_STEPS


def test_a_small_state_is_compared_in_every_step() -> None:
    assert Coverage(of_state({"a": torch.zeros(coverage.LEAST // 4)})).steps == 1
    assert Coverage(of_state({"a": torch.zeros(coverage.LEAST // 4 + 4)})).steps == 2
    assert Coverage(of_state({})).steps == 1


def mixed(draw: random.Random) -> dict[str, Any]:
    """All dtypes and layouts, some of several parts, and what is no tensor."""
    state: dict[str, Any] = {"step": 3, "betas": (0.9, 0.99), "name": "ö"}
    for number in range(draw.randrange(5, 40)):
        state[f"t{number}"] = draw.choice(list(LAYOUTS.values()))(draw, draw.choice(list(DTYPES.values())))
    for number in range(3):
        state[f"large{number}"] = values(draw, torch.float32, draw.randrange(1200, 5000))
        state[f"turned{number}"] = values(draw, torch.int16, 70, draw.randrange(40, 70)).t()
    return dict(draw.sample(list(state.items()), len(state)))


@pytest.mark.parametrize("seed", range(12))
def test_a_flipped_bit_shows_in_the_part_that_has_it_and_in_no_other(seed: int, small: None) -> None:
    draw = random.Random(seed)
    state = mixed(draw)
    own = Coverage(of_state(state))
    before, whole = [own.of_part(n) for n in range(own.steps)], own.whole()
    bare = {name: t for name, t in state.items() if isinstance(t, torch.Tensor) and t.numel() and torch._debug_has_internal_overlap(t) != 1}
    hit = set()
    for _ in range(40):
        tensor = draw.choice(list(bare.values()))
        place = tuple(draw.randrange(size) for size in tensor.shape)
        was = tensor[place].clone()
        with torch.no_grad():
            flipped = was.clone().reshape(1).view(torch.uint8)
            flipped[0] ^= 1
            tensor[place] = flipped.view(tensor.dtype)[0]
        after = [own.of_part(n) for n in range(own.steps)]
        different = [n for n in range(own.steps) if after[n] != before[n]]
        if torch._debug_has_internal_overlap(tensor) == 0:
            assert len(different) == 1
        assert different and own.whole() != whole
        hit.update(different)
        tensor[place] = was
    assert [own.of_part(n) for n in range(own.steps)] == before and own.whole() == whole
    assert len(hit) > 1


def test_what_is_no_tensor_is_in_the_first_part() -> None:
    one, other = Coverage(of_state({"a": 1, "b": torch.ones(2)})), Coverage(of_state({"a": 2, "b": torch.ones(2)}))
    assert one.of_part(0) != other.of_part(0)
    renamed = Coverage(of_state({"a": 1, "c": torch.ones(2)}))
    assert one.of_part(0) != renamed.of_part(0)


class Model:
    """Written anew from the description: when every part was the same for the last time."""

    def __init__(self, parts: int, begun: int) -> None:
        self.parts, self.begun, self.known, self.at = parts, begun, begun, -1
        self.agreed: dict[int, int] = {}

    def step(self, step: int, whole: bool) -> None:
        if self.at < 0 or (step != self.at and (step == self.begun + 1 or step >= self.at + self.parts)):
            self.at, self.agreed = step, {}
        if whole or self.parts == 1:
            self.known, self.agreed = step, {}
            return
        self.agreed[(step - self.at) % self.parts] = step
        if len(self.agreed) == self.parts:
            self.known, self.agreed = min(self.agreed.values()), {}

    def since(self, step: int) -> int:
        return max(self.known, self.agreed.get((step - self.at) % self.parts, -1))


def history(draw: random.Random, begun: int) -> Iterator[tuple[int, bool, bool]]:
    """Steps as they are asked for: step, whether it is the whole state, whether its attempt broke before all had spoken."""
    step = begun
    while step < begun + 40:
        yield step, draw.random() < 0.1, draw.random() < 0.2
        step += draw.random() < 0.8


@pytest.mark.parametrize("seed", range(30))
def test_what_is_known_follows_from_what_was_compared(seed: int, small: None) -> None:
    draw = random.Random(seed)
    state = {"a": torch.zeros(draw.choice([4, 100, 300, 700]), dtype=torch.int64), "step": 0}
    own = ReplicaCheck(lambda: state)
    begun = draw.randrange(50)
    own.begin(begun)
    model, count = Model(Coverage(of_state(state)).steps, begun), own.count
    for step, whole, broke in history(draw, begun):
        own.whole = whole
        own.value(step)
        if broke:
            continue
        own.agreed(step)
        model.step(step, whole)
        count += 1
        assert (own.known, own.count, own.since(step + 1)) == (model.known, count, model.since(step + 1)), step
        assert not own.whole and own.every_step == (model.parts == 1)
        assert own.known is not None and (model.parts == 1) <= (own.known == step)


def test_all_parts_are_compared_within_as_many_steps_as_there_are_parts(small: None) -> None:
    state = {"a": torch.zeros(4000, dtype=torch.int64)}
    steps = Coverage(of_state(state)).steps
    assert 50 < steps <= MOST_STEPS
    for place in (0, 63, 64, 3999):
        one, other = ReplicaCheck(lambda: state), ReplicaCheck(lambda: differing)
        differing = {"a": state["a"].clone()}
        for check in (one, other):
            check.begin(0)
            for step in (0, 1, 2):
                check.value(step)
                check.agreed(step)
        differing["a"][place] ^= 1 << 62
        found = [step for step in range(3, 3 + 2 * steps) if one.value(step) != other.value(step)]
        assert found and found[0] < 3 + steps
        assert all(later - earlier == steps for earlier, later in zip(found, found[1:]))


def test_workers_with_different_pasts_cut_alike_from_the_same_beginning_on(small: None) -> None:
    """One was there from the start, the other has just come: what they say must be the same."""
    draw = random.Random(6)
    for _ in range(20):
        state = mixed(draw)
        old, new = ReplicaCheck(lambda: state), ReplicaCheck(lambda: state)
        old.begin(0)
        for step in range(draw.randrange(30)):
            old.value(step)
            old.agreed(step)
        begun = draw.randrange(40)
        for check in (old, new):
            check.begin(begun)
        assert old.all_of_it() == new.all_of_it()
        for step in range(begun, begun + 30):
            assert old.value(step) == new.value(step)
            for check in (old, new):
                check.agreed(step)
            old.whole = new.whole = draw.random() < 0.2
        assert old.known == new.known


def test_nothing_is_known_before_the_beginning() -> None:
    assert ReplicaCheck(dict).known is None


def test_a_generation_that_is_yet_to_compare_its_states_knows_nothing_of_them() -> None:
    check = ReplicaCheck(lambda: {"a": torch.zeros(4)})
    check.defer(7)
    assert (check.known, check.count) == (None, 0)
    check.begin(7)
    check.defer(9)
    assert (check.known, check.count) == (7, 1)
    check.begin(9)
    assert (check.known, check.count) == (9, 2)
