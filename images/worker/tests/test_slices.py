from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from ftc.data.randomness import SampleStates
from ftc.rng import derive, seed_all
from ftc.slices import Permutation, Plan, Sampler


def order(plan: Plan, epoch: int) -> list[int]:
    numbers: list[int] = Permutation(plan).take(epoch, 0, plan.samples).tolist()
    return numbers


@pytest.mark.parametrize(("samples", "batch"), [(100, 24), (96, 24), (5, 24), (7, 1), (101, 100)])
@pytest.mark.parametrize("virtual", [1, 6, 12])
def test_an_epoch_reads_every_sample_once(samples: int, batch: int, virtual: int) -> None:
    plan = Plan(samples, min(batch, samples), virtual, seed=3)
    sampler = Sampler(plan)
    for epoch in range(2):
        read = [
            index
            for step in range(epoch * plan.steps_per_epoch, (epoch + 1) * plan.steps_per_epoch)
            for v in range(virtual)
            for index in sampler.indices(step, v).tolist()
        ]
        assert sorted(read) == list(range(samples))
        assert read == order(plan, epoch)
    assert plan.samples_after(2 * plan.steps_per_epoch) == 2 * samples


def test_weights_make_the_slices_gradients_that_of_the_batchs_mean() -> None:
    plan = Plan(100, 24, 5, seed=0)
    x = torch.arange(100.0, dtype=torch.float64)
    for step in range(plan.steps_per_epoch):
        start, end = plan.batch_bounds(step)
        total = 0.0
        for v in range(5):
            first, last = plan.slice_bounds(step, v)
            total += plan.weight(step, v) * x[first:last].mean().item() if last > first else 0.0
        assert total == pytest.approx(x[start:end].mean().item())


def test_epochs_and_seeds_have_other_orders() -> None:
    plan = Plan(100, 10, 2, seed=0)
    assert order(plan, 0) != order(plan, 1)
    assert order(plan, 0) != order(Plan(100, 10, 2, seed=1), 0)
    assert order(Plan(100, 10, 2, seed=0, shuffle=False), 5) == list(range(100))


def test_a_last_batch_that_is_too_small_is_left_out_where_that_is_asked_for() -> None:
    plan = Plan(100, 24, 5, seed=3, drop_last=True)
    assert (plan.steps_per_epoch, plan.samples_per_epoch, plan.samples_after(9)) == (4, 96, 2 * 96 + 24)
    assert [plan.batch_bounds(step) for step in (3, 4)] == [(72, 96), (0, 24)]
    assert [plan.epoch_of(step) for step in (3, 4)] == [0, 1]
    assert Plan(96, 24, 5, seed=3, drop_last=True).steps_per_epoch == Plan(96, 24, 5, seed=3).steps_per_epoch == 4


def test_the_slices_to_come_are_those_of_the_steps_to_come() -> None:
    sampler = Sampler(Plan(100, 24, 5, seed=3))
    coming = sampler.coming(3, 6, range(1, 3), ahead=3)
    assert [one.key for one in coming] == [(3, 1), (3, 2), (4, 1), (4, 2), (5, 1)]
    assert all(one.indices.tolist() == sampler.indices(*one.key).tolist() for one in coming)
    assert [one.key for one in sampler.coming(3, 4, range(1, 3), ahead=9)] == [(3, 1), (3, 2)]
    assert sampler.coming(3, 6, range(0), ahead=9) == []
    assert [one.key for one in sampler.coming(4, 5, range(5), 0)] == [(4, 1), (4, 2), (4, 3), (4, 4)]  # four samples
    assert [one.key[1] for one in Sampler(Plan(3, 3, 5, seed=3)).coming(0, 1, range(5), 0)] == [1, 3, 4]


def test_the_sampler_may_go_back() -> None:
    sampler = Sampler(Plan(20, 10, 2, seed=0))
    first = sampler.indices(0, 0).tolist()
    sampler.indices(3, 1)
    assert sampler.indices(0, 0).tolist() == first


def test_random_state_depends_on_its_purpose_alone() -> None:
    def draw() -> tuple[float, float, float]:
        return torch.rand(1).item(), random.random(), float(np.random.random())

    seed_all(1, "slice", 2, 3)
    first = draw()
    draw()
    seed_all(1, "slice", 2, 3)
    assert draw() == first
    seed_all(1, "slice", 3, 2)
    assert all(a != b for a, b in zip(draw(), first))


def test_a_samples_state_depends_on_its_place_alone_and_that_for_collating_too() -> None:
    def draw() -> tuple[float, float, float]:
        return torch.rand(1).item(), random.random(), float(np.random.random())

    states = SampleStates(1, 2, 3, 4)
    seed_all(1, "sample", 2, 3, 2)
    sample = draw()
    states.sample(2)
    assert draw() == sample
    seed_all(1, "collate", 2, 3)
    collate = draw()
    states.collate()
    assert draw() == collate


def test_only_devices_that_are_there_are_seeded_each_to_the_bits_of_manual_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", asked.append)
    assert torch.manual_seed(derive(1, "x")).initial_seed() == derive(1, "x")
    expected = torch.rand(5).tolist()
    asked.clear()
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    seed_all(1, "x")
    assert (torch.rand(5).tolist(), asked) == (expected, [])
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    seed_all(1, "x")
    assert (torch.rand(5).tolist(), asked) == (expected, [derive(1, "x")])
    monkeypatch.delattr(torch, "accelerator")
    seed_all(1, "x")
    assert (torch.rand(5).tolist(), asked) == (expected, [derive(1, "x")] * 2)


def test_derived_seeds_are_the_same_everywhere() -> None:
    assert derive(0, "slice", 1, 2) == 2338865198526173310
