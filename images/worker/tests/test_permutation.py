"""Orders of any length: a permutation whose values are computed one by one."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter

import pytest
import torch

from ftc.permutation import Feistel
from ftc.slices import Permutation, Plan


def chi(counts: Counter[int], cells: int) -> float:
    """How far from all alike, in standard deviations."""
    expected = counts.total() / cells
    found = sum((counts[cell] - expected) ** 2 / expected for cell in range(cells))
    return float((found - (cells - 1)) / (2 * (cells - 1)) ** 0.5)


def test_every_small_length_is_permuted() -> None:
    for n in range(1, 500):
        values = Feistel(n, n, "order", 1)(torch.arange(n))
        assert sorted(values.tolist()) == list(range(n))


def test_no_two_positions_of_a_large_length_have_one_value() -> None:
    dice = random.Random(1)
    for _ in range(25):
        n = dice.randrange(1, 1 << dice.randrange(10, 60))
        positions = torch.tensor(sorted({dice.randrange(n) for _ in range(3000)}))
        values = Feistel(n, dice.randrange(1 << 30), "order", 0)(positions)
        assert len(set(values.tolist())) == len(positions)
        assert 0 <= int(values.min()) and int(values.max()) < n


def test_a_value_does_not_depend_on_which_others_are_asked_for() -> None:
    permuted = Feistel(1_000_003, 7, "order", 2)
    many = permuted(torch.arange(5000))
    assert permuted(torch.tensor([4321, 17])).tolist() == [int(many[4321]), int(many[17])]
    with pytest.raises(ValueError, match="1 to 2\\*\\*60"):
        Feistel((1 << 60) + 1, 0)


def test_any_sample_may_come_anywhere() -> None:
    """Each of a few: every order comes about as often. Of many: no place prefers a sample, and neighbours are unrelated."""
    of_three = Counter(tuple(Feistel(3, seed, "order", 0)(torch.arange(3)).tolist()) for seed in range(1200))
    assert len(of_three) == 6 and min(of_three.values()) > 120
    n, places, steps, moved = 97, Counter[int](), Counter[int](), 0.0
    for epoch in range(300):
        values = Feistel(n, 3, "order", epoch)(torch.arange(n))
        places.update((torch.arange(n) * n + values).tolist())
        steps.update(((values[1:] - values[:-1]) % n - 1).tolist())
        moved += (values - torch.arange(n)).abs().double().mean().item() / 300
    assert abs(chi(places, n * n)) < 5 and abs(chi(steps, n - 1)) < 5
    assert moved == pytest.approx(n / 3, rel=0.05)  # as far as between two places drawn at random


def test_the_start_of_a_long_epoch_comes_from_all_over() -> None:
    n = 2_000_000_000
    values = Permutation(Plan(n, 480, 3, 0)).take(0, 0, 20_000)
    assert abs(chi(Counter((values * 64 // n).tolist()), 64)) < 5
    assert abs(chi(Counter(((values[1:] - values[:-1]) % n * 64 // n).tolist()), 64)) < 5


def test_parts_of_an_epoch_fit_together_wherever_they_are_cut() -> None:
    plan = Plan(5000, 480, 3, 0)
    whole = Permutation(plan).take(1, 0, 5000).tolist()
    assert sorted(whole) == list(range(5000))
    dice, order = random.Random(0), Permutation(plan)
    for _ in range(200):
        first = dice.randrange(5001)
        last = dice.randrange(first, 5001)
        assert order.take(1, first, last).tolist() == whole[first:last]
    assert order.take(0, 0, 5000).tolist() != whole


def test_the_order_is_the_same_on_every_machine() -> None:
    assert Permutation(Plan(10, 4, 2, seed=7)).take(3, 0, 10).tolist() == [7, 4, 0, 3, 6, 5, 1, 2, 8, 9]
    assert Permutation(Plan(2_000_000_000, 4, 2, seed=7)).take(3, 1_999_999_997, 2_000_000_000).tolist() == [1629930238, 1484932634, 1820730780]


def test_two_billion_samples_take_no_memory() -> None:
    program = """
import resource, torch
from torch.utils.data import DataLoader, Dataset
from ftc.data import Slice, as_source, plan_of
from ftc.slices import Sampler
class Large(Dataset):
    def __len__(self): return 2_000_000_000
    def __getitem__(self, number): return torch.tensor([number]), number % 10
def mib(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before = mib()
source = as_source(DataLoader(Large(), 480, shuffle=True))
sampler = Sampler(plan_of(source, 12, 1))
for step in [*range(20), 4_166_660, 4_166_666, 4_166_667, 9_000_000]:
    for wanted in sampler.coming(step, 10_000_000, range(12), 0):
        x, y = source.fetch(wanted)
        assert torch.equal(x[:, 0], wanted.indices)
print(before, mib() - before)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded, more = map(float, done.stdout.split())
    assert more < 50 and loaded + more < 1024
