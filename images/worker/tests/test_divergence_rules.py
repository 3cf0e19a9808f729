"""What is done about replicas that differ, as functions of what was found."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from ftc.replicas.check import minority
from ftc.replicas.coverage import MOST_STEPS
from ftc.replicas.diverged import Dealt, Found, decide, describe


def found(draw: random.Random) -> Found:
    world = draw.randint(2, 6)
    ranks = sorted(draw.sample(range(world), draw.randint(1, world)))
    source = min(set(range(world)) - set(ranks), default=None)
    return Found(draw.choice(["model.w", "optimizer.state.0.exp_avg"]), [draw.randrange(9)], ranks, source, "1.0", "2.0")


@pytest.mark.parametrize("seed", range(200))
def test_the_majority_is_more_than_half_or_none(seed: int) -> None:
    draw = random.Random(seed)
    values = [draw.randrange(draw.randint(1, 4)) for _ in range(draw.randint(1, 9))]
    value, count = Counter(values).most_common(1)[0]
    most = minority(values)
    if 2 * count <= len(values):
        assert most is None
    else:
        assert most == (values.index(value), [rank for rank, told in enumerate(values) if told != value])


@pytest.mark.parametrize("seed", range(300))
def test_what_is_done(seed: int) -> None:
    draw = random.Random(seed)
    difference, exact, again = found(draw), draw.random() < 0.5, draw.random() < 0.3
    assert decide("fail", difference, exact, again) == "failed"
    action = decide("repair", difference, exact, again)
    assert (action == "failed") == again
    if difference.source is None or not exact:
        assert action != "repaired"
    elif not again:
        assert action == "repaired"


def test_what_comes_back_is_the_scripts_doing_and_another_bit_is_not() -> None:
    before = Dealt("model.w", [3], ["b"], 10)
    here, elsewhere = (Found("model.w", [place], [1], 0, "1", "2") for place in (3, 4))
    assert before.comes_back(here, ["b"], 11) and before.comes_back(here, ["c"], 11)
    assert before.comes_back(here, ["b"], 5) and before.comes_back(here, ["b"], 10 + 2 * MOST_STEPS)
    assert not before.comes_back(elsewhere, ["c"], 11) and not before.comes_back(here, ["b"], 11 + 2 * MOST_STEPS)
    assert not before.comes_back(Found("model.v", [3], [1], 0, "1", "2"), ["b"], 11)


def test_a_second_bit_in_the_same_worker_is_another_one_and_a_third_is_not() -> None:
    two, three = (Found("model.w", [place], [1], 0, "1", "2") for place in (4, 5))
    before = Dealt("model.w", [3], ["b"], 10)
    assert not before.comes_back(two, ["b"], 11)
    again = before.then(two, ["b"], 11)
    assert again.comes_back(three, ["b"], 12) and not again.comes_back(three, ["c"], 12)
    assert not before.then(two, ["c"], 11).comes_back(three, ["c"], 12)
    late = 12 + 2 * MOST_STEPS
    assert not again.comes_back(three, ["b"], late) and again.then(three, ["b"], late).times == 1
    nobody = Found("model.w", [7], [0, 1], None, "1", "2")
    assert Dealt("model.w", [3], ["a", "b"], 10).comes_back(nobody, ["a", "b"], 11)


def test_the_sentence_names_tensor_place_workers_and_steps() -> None:
    one = Found("model.0.weight", [3, 1], [1], 0, "0.5", "0.25")
    assert describe(one, ["a", "b", "c"], 6, 7) == (
        "the replicas are not alike: model.0.weight at [3, 1] went apart after step 7: worker b (rank 1) differs from the other 2 "
        "(0.5 instead of 0.25)"
    )
    several = Found("scheduler.last_epoch", [], [1, 3], 0, "4", "5")
    text = describe(several, list("abcde"), 10, 70)
    assert "scheduler.last_epoch went apart between step 10 and step 70: worker b (rank 1), worker d (rank 3) differ from the other 3" in text
    none = Found("model.w", [0], [0, 1], None, "1", "2")
    assert "worker a (rank 0), worker b (rank 1) hold different values (1 instead of 2)" in describe(none, ["a", "b"], -1, 0)
    assert "no value is held by more than half of worker a" in describe(Found("model.w", [0], [0, 1, 2], None, "1", "2"), ["a", "b", "c"], 4, 5)


@pytest.mark.parametrize("seed", range(50))
def test_every_difference_can_be_said(seed: int) -> None:
    draw = random.Random(seed)
    difference, step = found(draw), draw.randrange(100)
    members = [f"w{rank}" for rank in range(6)]
    text = describe(difference, members, draw.randint(-1, step), step)
    assert difference.leaf in text and "\n" not in text
    assert all(f"worker {members[rank]} (rank {rank})" in text for rank in difference.ranks)
