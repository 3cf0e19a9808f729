from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from ftc.rng import derive, seed_all
from ftc.slices import Plan, Sampler


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
        assert read == plan.order(epoch).tolist()
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
    assert plan.order(0).tolist() != plan.order(1).tolist()
    assert plan.order(0).tolist() != Plan(100, 10, 2, seed=1).order(0).tolist()
    assert Plan(100, 10, 2, seed=0, shuffle=False).order(5).tolist() == list(range(100))


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
