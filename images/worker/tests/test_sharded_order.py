"""The order of an epoch over shards: a permutation of all samples, whoever reads which part, with few shards in use."""

from __future__ import annotations

import random
from itertools import islice

import pytest
import torch

from ftc.sharded.order import ShardOrder
from ftc.slices import Plan, Sampler
from ftc.tree import carried


def histories(count: int) -> list[tuple[list[int], int, int, int, int]]:
    """Random (samples a shard, batch, virtual ranks, window, seed)."""
    made = []
    for seed in range(count):
        dice = random.Random(seed)
        counts = [dice.choice([0, 1, 2, dice.randrange(40)]) for _ in range(dice.randrange(1, 9))]
        if sum(counts) == 0:
            counts.append(1 + dice.randrange(5))
        batch = dice.randrange(1, sum(counts) + 1)
        made.append((counts, batch, dice.randrange(1, 9), dice.randrange(1, 6), seed))
    return made


def sampler(counts: list[int], batch: int, virtual: int, window: int, seed: int, shuffle: bool = True) -> Sampler:
    plan = Plan(sum(counts), batch, virtual, seed, shuffle)
    return Sampler(plan, ShardOrder(counts, seed, shuffle, window))


@pytest.mark.parametrize("shuffle", [True, False])
def test_each_epoch_reads_every_sample_once_in_disjoint_slices(shuffle: bool) -> None:
    for counts, batch, virtual, window, seed in histories(300):
        samples = sampler(counts, batch, virtual, window, seed, shuffle)
        plan = samples.plan
        for epoch in range(2):
            read: list[int] = []
            for step in range(epoch * plan.steps_per_epoch, (epoch + 1) * plan.steps_per_epoch):
                slices = [samples.indices(step, v).tolist() for v in range(virtual)]
                first, last = plan.batch_bounds(step)
                assert sum(map(len, slices)) == last - first
                read += [number for part in slices for number in part]
            assert sorted(read) == list(range(sum(counts)))
            if not shuffle:
                assert read == sorted(read)


def test_what_a_step_reads_depends_on_no_number_of_workers_and_on_nothing_read_before() -> None:
    for counts, batch, virtual, window, seed in histories(60):
        whole = sampler(counts, batch, virtual, window, seed)
        steps = list(range(2 * whole.plan.steps_per_epoch))
        expected = {(s, v): whole.indices(s, v).tolist() for s in steps for v in range(virtual)}
        for workers in range(1, virtual + 1):
            for rank in range(workers):
                fresh = sampler(counts, batch, virtual, window, seed)
                random.Random(seed).shuffle(steps)
                for step in steps:
                    for v in carried(rank, workers, virtual):
                        assert fresh.indices(step, v).tolist() == expected[step, v]


def test_epochs_and_seeds_have_other_orders_of_shards_and_of_lines() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        taken: list[int] = ShardOrder([50] * 8, seed, True, 2).take(epoch, 0, 400).tolist()
        return taken

    orders = [order(0, 0), order(0, 1), order(1, 0)]
    assert len({tuple(one) for one in orders}) == 3
    assert len({tuple(dict.fromkeys(n // 50 for n in one)) for one in orders}) == 3
    assert order(0, 0) == orders[0]


def test_few_shards_are_in_use_at_a_time_and_each_only_once_an_epoch() -> None:
    for window in (1, 2, 3, 5):
        order = ShardOrder([40] * 12, 3, True, window)
        used = [n // 40 for n in order.take(0, 0, 480).tolist()]
        spans = {s: (used.index(s), 480 - used[::-1].index(s)) for s in set(used)}
        for at in range(480):
            assert sum(first <= at < last for first, last in spans.values()) <= window
        if window > 1:
            changes = sum(a != b for a, b in zip(used, used[1:]))
            assert changes > 480 // 4  # mixed, not one after the other


def test_the_shards_of_a_step_and_those_to_come_are_known_before() -> None:
    for counts, batch, virtual, window, seed in histories(100):
        order = ShardOrder(counts, seed, seed % 3 > 0, window)
        total = sum(counts)
        for at in range(0, total, 7):
            last = min(at + batch, total)
            taken = [order.locate(n)[0] for n in order.take(1, at, last).tolist()]
            assert set(taken) <= set(order.shards_between(1, at, last))
            coming = order.shards_from(1, at)
            for shard in dict.fromkeys(order.locate(n)[0] for n in order.take(1, at, total).tolist()):
                assert shard in list(islice(order.shards_from(1, at), (window + 1) * (len(counts) + window)))
            assert next(coming) is not None


def test_a_number_is_found_in_its_shard_also_beside_empty_ones() -> None:
    order = ShardOrder([0, 3, 0, 0, 2, 0], 0, True, 2)
    assert [order.locate(n) for n in range(5)] == [(1, 0), (1, 1), (1, 2), (4, 0), (4, 1)]
    assert torch.equal(order.take(0, 0, 5).sort().values, torch.arange(5))


def test_the_order_is_the_same_on_every_machine() -> None:
    assert ShardOrder([3, 4, 5], 7, True, 2).take(2, 0, 12).tolist() == [9, 7, 6, 11, 8, 5, 10, 1, 3, 4, 2, 0]
