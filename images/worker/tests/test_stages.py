"""Who gives the state to whom once the script's own code after a commit has been left."""

from __future__ import annotations

import random
from dataclasses import replace

from ftc.stages import HandOver, Stage, Told, hand_over_of


def told(stage: Stage, made: bool, ahead: bool = False, took: bool = False) -> Told:
    return Told(stage, 0, False, made, ahead=ahead, took=took)


def members_of(draws: random.Random) -> list[Told]:
    found = []
    for _ in range(draws.randint(1, 6)):
        stage = draws.choice(list(Stage))
        ahead = stage in (Stage.BODY, Stage.SLICES) and draws.random() < 0.5
        found.append(told(stage, draws.random() < 0.5, ahead, not ahead and draws.random() < 0.5))
    return found


def test_what_a_member_says_is_read_as_it_was_said() -> None:
    draws = random.Random(1)
    for _ in range(200):
        said = Told(draws.choice(list(Stage)), draws.randrange(1000), *(draws.random() < 0.5 for _ in range(5)))
        assert Told.decode(said.encode()) == said


def test_any_members_in_the_code_after_a_commit_give_the_state_to_all_that_have_not_made_it() -> None:
    draws = random.Random(1)
    for _ in range(500):
        members = members_of(draws)
        made = {rank for rank, member in enumerate(members) if member.made}
        if any(members[rank].stage == Stage.COMMITTED for rank in made):
            found = hand_over_of(members)
            assert found is not None
            assert found.source == min(made)
            assert set(found.receivers) == set(range(len(members))) - made


def test_members_are_compared_at_once_only_where_none_is_ahead_or_all_have_come_to_their_slices() -> None:
    draws = random.Random(2)
    for _ in range(500):
        members = [replace(member, made=False) for member in members_of(draws)]
        ahead = [member.ahead for member in members]
        in_slices = all(ahead) and all(member.stage == Stage.SLICES for member in members)
        found = hand_over_of(members)
        assert (found is None) == (not any(ahead) or in_slices)
        if found is not None:
            inside = any(member.ahead and member.stage == Stage.BODY for member in members)
            assert members[found.source].ahead
            assert found.receivers == tuple(rank for rank, member in enumerate(members) if inside and member.took)


def test_nobody_waits_where_all_have_left_it_or_none_has_made_a_commit() -> None:
    assert hand_over_of([told(Stage.START, False), told(Stage.SLICES, True)]) is None
    assert hand_over_of([told(Stage.START, False), told(Stage.COMMITTED, False)]) is None
    assert hand_over_of([told(Stage.SLICES, False), told(Stage.COMMITTED, True)]) == HandOver(1, (0,))
