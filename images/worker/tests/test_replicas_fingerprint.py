"""The fingerprint of a run of bytes: every bit counts, and where it stands; how a tensor lies in memory does not."""

from __future__ import annotations

import random
import struct
import threading
from collections.abc import Callable

import pytest
import torch
from torch import nn

from ftc.replicas.fingerprint import CHUNK, combine, of_bytes, of_tensor
from ftc.replicas.leaves import of_state
from ftc.tensors import DTYPES, raw

from states import LAYOUTS, SPECIAL, values

LENGTHS = [1, 3, 7, 8, 9, 15, 16, 17, 63, 1000, 1001, 8 * CHUNK - 1, 8 * CHUNK, 8 * CHUNK + 5, 20 * CHUNK + 3]
"""Bytes: less than a word, words and a rest, and more than is summed at once."""


def run(draw: random.Random, length: int) -> torch.Tensor:
    return torch.frombuffer(bytearray(draw.randbytes(length)), dtype=torch.uint8)


@pytest.mark.parametrize("size", [1, 4, 8])
@pytest.mark.parametrize("length", [64, 4000, 8 * CHUNK + 64, 20 * CHUNK])
def test_two_unequal_values_that_change_places_show(size: int, length: int) -> None:
    draw = random.Random(size * length)
    for _ in range(200):
        flat = run(draw, length)
        before = of_bytes(flat)
        one, other = draw.sample(range(length // size), 2)
        places = flat.view(-1, size)
        if torch.equal(places[one], places[other]):
            continue
        places[[one, other]] = places[[other, one]]
        assert of_bytes(flat) != before, (one, other)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64])
def test_values_that_differ_in_the_sign_alone_may_not_change_places(dtype: torch.dtype) -> None:
    draw = random.Random(3)
    for _ in range(200):
        tensor = torch.ones(2000, dtype=dtype)
        before_all = of_tensor(tensor)
        one, other = draw.sample(range(2000), 2)
        tensor[one] = -1
        before = of_tensor(tensor)
        tensor[[one, other]] = tensor[[other, one]]
        assert before_all != before != of_tensor(tensor)


def test_a_sign_that_is_lost_twice_shows() -> None:
    """The highest bit of a word reaches no other by a multiplication: two such flips must not cancel out."""
    draw = random.Random(4)
    flat = run(draw, 8000)
    before = of_bytes(flat)
    words = flat.view(torch.int64)
    for _ in range(1000):
        changed = words.clone()
        for place in draw.sample(range(1000), draw.choice([2, 4, 6])):
            changed[place] ^= -(2**63)
        assert of_bytes(changed.view(torch.uint8)) != before


@pytest.mark.parametrize("length", LENGTHS)
def test_every_flipped_bit_shows(length: int) -> None:
    draw = random.Random(length)
    flat = run(draw, length)
    before = of_bytes(flat)
    bits = range(8 * length) if length <= 64 else [*draw.sample(range(8 * length), 150), 0, 8 * length - 1]
    for bit in bits:
        flat[bit // 8] ^= 1 << bit % 8
        assert of_bytes(flat) != before, bit
        flat[bit // 8] ^= 1 << bit % 8
    assert of_bytes(flat) == before


@pytest.mark.parametrize("name", DTYPES)
def test_every_flipped_bit_of_every_kind_of_tensor_shows(name: str) -> None:
    """A bool has one bit: other bytes than 0 and 1 are no bools."""
    draw, dtype = random.Random(name), DTYPES[name]
    tensor = values(draw, dtype, 3, 4)
    flat, before = tensor.reshape(-1).view(torch.uint8), of_tensor(tensor)
    for bit in range(0, 8 * len(flat), 8 if dtype == torch.bool else 1):
        flat[bit // 8] ^= 1 << bit % 8
        assert of_tensor(tensor) != before, bit
        flat[bit // 8] ^= 1 << bit % 8
    assert of_tensor(tensor) == before


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_contiguous_copy_has_the_same(layout: str) -> None:
    draw = random.Random(layout)
    for dtype in DTYPES.values():
        tensor = LAYOUTS[layout](draw, dtype)
        copy = values(draw, dtype, *tensor.shape)
        copy.reshape(-1).view(torch.uint8)[:] = torch.frombuffer(bytearray(raw(tensor)), dtype=torch.uint8) if tensor.numel() else 0
        assert of_tensor(tensor) == of_tensor(copy), dtype
        assert of_tensor(tensor) == of_bytes(copy.reshape(-1).view(torch.uint8)), dtype


@pytest.mark.parametrize("name", SPECIAL)
def test_views_that_stand_for_other_bits_count_as_what_they_stand_for(name: str) -> None:
    tensor = SPECIAL[name](random.Random(name))
    plain = torch.frombuffer(bytearray(raw(tensor)), dtype=torch.uint8)
    assert of_tensor(tensor) == of_bytes(plain)


@pytest.mark.parametrize("length", [5, 8, 64, 1001, 8 * CHUNK + 5])
def test_where_a_view_begins_in_memory_changes_nothing(length: int) -> None:
    flat = run(random.Random(length), length)
    memory = torch.zeros(length + 16, dtype=torch.uint8)
    for start in range(9):
        memory[start : start + length] = flat
        assert of_bytes(memory[start : start + length]) == of_bytes(flat), start


def bits(of: torch.dtype, number: int) -> torch.Tensor:
    return torch.frombuffer(bytearray(number.to_bytes(of.itemsize, "little")), dtype=of)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (bits(torch.float32, 0x7FC00000), bits(torch.float32, 0x7FC00001)),
        (bits(torch.float64, 0x7FF8 << 48), bits(torch.float64, (0x7FF8 << 48) + 1)),
        (torch.tensor([0.0]), torch.tensor([-0.0])),
        (torch.tensor([1.0]), torch.tensor([1.0], dtype=torch.float64)),
        (torch.tensor([0, 0]), torch.tensor([[0, 0]])),
        (torch.tensor(1.0), torch.tensor([1.0])),
        (0.0, -0.0),
        (1, True),
        (1, 1.0),
        (1, "1"),
        (None, "None"),
        (float("nan"), struct.unpack("<d", (0xFFF8 << 48).to_bytes(8, "little"))[0]),
    ],
)
def test_what_compares_equal_is_told_apart(one: object, other: object) -> None:
    """NaNs by their payload, zeros by their sign; and dtypes, shapes and kinds of numbers."""
    ours, theirs = of_state({"value": one}), of_state({"value": other})
    assert ours.fingerprints() != theirs.fingerprints()
    if not (isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor) and one.dtype == other.dtype and one.shape == other.shape):
        assert ours.outline() != theirs.outline()


def test_the_order_of_parts_counts() -> None:
    draw = random.Random(5)
    for _ in range(300):
        parts = [draw.getrandbits(64) for _ in range(draw.randrange(2, 6))]
        moved = draw.sample(parts, len(parts))
        assert (combine(parts) == combine(moved)) == (parts == moved)
        assert combine(parts) != combine([*parts, 0]) and combine(parts) != combine([0, *parts])


def test_threads_do_not_disturb_one_another() -> None:
    """Each has its own memory to mix in."""
    flats = [run(random.Random(number), 4 * CHUNK) for number in range(4)]
    alone = [of_bytes(flat) for flat in flats]
    wrong: list[int] = []

    def again(number: int) -> Callable[[], None]:
        return lambda: wrong.extend(number for _ in range(200) if of_bytes(flats[number]) != alone[number])

    threads = [threading.Thread(target=again(number)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_parameter_that_is_trained_has_one() -> None:
    param = nn.Parameter(torch.ones(3))
    assert of_tensor(param) == of_tensor(torch.ones(3))
