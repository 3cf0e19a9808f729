"""Who gives the state to whom once the script's own code after a commit has been left."""

from __future__ import annotations

import random

from ftc.stages import HandOver, Stage, Told, hand_over_of


def told(stage: Stage, made: bool) -> Told:
    return Told(stage, 0, False, made)


def test_any_members_in_that_code_give_the_state_to_all_that_have_not_made_the_commit() -> None:
    draws = random.Random(1)
    for _ in range(500):
        members = [told(draws.choice(list(Stage)), draws.random() < 0.5) for _ in range(draws.randint(1, 6))]
        made = {rank for rank, member in enumerate(members) if member.made}
        inside = {rank for rank in made if members[rank].stage == Stage.COMMITTED}
        found = hand_over_of(members)
        assert (found is None) == (not inside)
        if found is not None:
            assert found.source == min(made)
            assert set(found.receivers) == set(range(len(members))) - made


def test_nobody_waits_where_all_have_left_it_or_none_has_made_a_commit() -> None:
    assert hand_over_of([told(Stage.START, False), told(Stage.SLICES, True)]) is None
    assert hand_over_of([told(Stage.START, False), told(Stage.COMMITTED, False)]) is None
    assert hand_over_of([told(Stage.SLICES, False), told(Stage.COMMITTED, True)]) == HandOver(1, (0,))
