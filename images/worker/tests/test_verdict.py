"""What becomes of an attempt follows from what all ranks said, and from nothing else."""

from __future__ import annotations

import random

import pytest

from ftc import control
from ftc.control import Agreed, Row
from ftc.errors import UsageError
from ftc.verdict import Verdict, judge

LAYOUT = 1 << 63
MEMBERS = ["a", "b", "c"]


def row(layout: int = LAYOUT, flags: int = 0, check: int = 0) -> Row:
    return Row(1, 0, flags, layout, 0, check)


def verdict(*rows: Row) -> Verdict:
    return judge(Agreed(rows, 0.5, 1.0), LAYOUT, MEMBERS, 6)


@pytest.mark.parametrize("flags", [0, control.SAVING])
def test_an_attempt_counts_where_all_reduced_what_they_want(flags: int) -> None:
    assert verdict(row(flags=flags), row(), row()) is Verdict.COUNTS


def test_all_give_weights_or_none_does() -> None:
    weighed = row(flags=control.WEIGHED)
    assert verdict(weighed, weighed, weighed) is Verdict.COUNTS
    with pytest.raises(UsageError, match=r"with a weight at step 7 by worker b \(rank 1\), and without by the others"):
        verdict(row(), weighed, row())


def test_whether_the_replicas_agree_is_decided_elsewhere() -> None:
    assert verdict(row(check=1), row(check=2)) is Verdict.COUNTS


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_it_is_made_again_where_one_has_found_something(rank: int) -> None:
    rows = [row(flags=control.VOID if rank == number else 0) for number in range(3)]
    assert verdict(*rows) is Verdict.AGAIN


def test_what_all_want_otherwise_is_followed() -> None:
    assert verdict(row(5), row(5), row(5)) is Verdict.FOLLOW
    assert verdict(row(5, control.VOID), row(5, control.VOID)) is Verdict.FOLLOW


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_one_that_wants_to_train_something_else_is_named(rank: int) -> None:
    rows = [row(5 if number == rank else LAYOUT) for number in range(3)]
    with pytest.raises(UsageError, match="workers do not train the same parameters at step 7") as error:
        verdict(*rows)
    named = ["a", "b", "c"][rank] if rank else "b"
    assert f"worker {named} (rank {'abc'.index(named)})" in str(error.value) and "job.step_number" in str(error.value)


def test_all_finish_or_the_job_fails() -> None:
    done = row(flags=control.FINISH)
    assert verdict(done, done, done) is Verdict.FINISH
    with pytest.raises(UsageError, match=r"job.finish was called at step 6 by worker b \(rank 1\), and not by the others"):
        verdict(row(), done, row())


def test_a_repetition_comes_before_the_end() -> None:
    """Some computed and found something, others want to finish: who is right shows when it was made again."""
    assert verdict(row(flags=control.FINISH), row(flags=control.VOID)) is Verdict.AGAIN


@pytest.mark.parametrize("seed", range(100))
def test_every_rank_decides_alike(seed: int) -> None:
    """Also where each has reduced something else: `layout` is the same in all, whatever they want next."""
    draw = random.Random(seed)
    rows = tuple(row(draw.choice([LAYOUT, LAYOUT, 5]), draw.randrange(16), draw.randrange(2)) for _ in range(draw.randint(1, 3)))
    results = set()
    for _ in rows:
        try:
            results.add(str(verdict(*rows)))
        except UsageError as error:
            results.add(str(error))
    assert len(results) == 1
