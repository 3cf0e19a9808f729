"""The replica check in a worker's loop: what is said with each reduction, and what follows from what the others say."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from .. import control, memory_map, wire
from ..checkpoint.checkpoints import Checkpoints
from ..config import Config
from ..control import Agreed
from ..errors import FtcError, StartAnew
from ..group import Group
from ..link import Link
from ..membership import Membership
from ..messages import Diverged
from ..progress import Progress
from ..state import Registered
from ..sync import bring
from .check import ReplicaCheck
from .diverged import CAUSES, Dealt, Found, decide, describe, locate
from .fingerprint import combine
from .leaves import Leaves, of_state
from .recall import recall, remember

GoBack = Callable[[Group], int]
"""Takes all members to a state that is known to be right, and returns its step."""

TIMES = 3
"""Differences of a step that are gone when they are looked at, before that is an error."""


class Replicas:
    """Every method that takes a group is called by all its members. They raise Broken, and FtcError where the job has to end."""

    def __init__(
        self, own: Registered, config: Config, link: Link, progress: Progress, membership: Membership, checkpoints: Checkpoints
    ) -> None:
        self._own = own
        self._policy = config.on_divergence
        self._link = link
        self._progress = progress
        self._membership = membership
        self._checkpoints = checkpoints
        self._check = ReplicaCheck(own.capture, self._publish)
        self._folder = config.checkpoint_dir
        self._before = recall(self._folder)
        self._gone = 0

    def begin(self, group: Group, step: int, back: GoBack, word: int, unlike: Callable[[list[int]], bool]) -> list[int]:
        """A generation's members have taken one state: they look whether they have. Every rank's word. `unlike`: whether the words say that
        they need not be alike yet; then they are not compared, and this is called again. A checkpoint that waits is published with the next
        reduction: there is a step then that was made after it."""
        if group.size == 1:
            self._check.begin(step)
            return [word]
        rows = wire.table(group, [self._check.all_of_it(), word])
        if unlike([row[1] for row in rows]):
            self._check.defer(step)
        elif len({row[0] for row in rows}) > 1:
            self._respond(group, step, back, joined=True)
        else:
            self._check.begin(step)
            self._tell()
        return [row[1] for row in rows]

    def value(self, group: Group, step: int, moving: Callable[[], int]) -> int:
        """What this worker says with the reduction of the step after `step`. `moving`: the fingerprint of what rank 0 is about to tell
        the others the next values of. That is compared in every step: else a difference in rank 0 would soon be none."""
        if group.size == 1:
            return 0
        value = self._check.value(step)
        return value if self._check.whole or self._check.every_step else combine([value, moving()])

    def flags(self, group: Group) -> int:
        """Rank 0 says that a checkpoint waits, unless that was heard already."""
        return control.SAVING if group.size > 1 and self._checkpoints.waiting and not self._check.whole else 0

    @property
    def compares_all(self) -> bool:
        """All of the state is compared in every step."""
        return self._check.every_step

    def look_at_all(self) -> None:
        """Called by all ranks: the next check covers the whole state."""
        self._check.whole = True

    def alike(self, group: Group, agreed: Agreed, step: int, back: GoBack, *, counts: bool = True) -> bool:
        """False: they are not, it was dealt with, and the step must be made again. `counts`: else it is made again anyway, and a checkpoint that
        waits has to wait for that."""
        if group.size == 1:
            if counts:
                self._checkpoints.agreed(step)
            return True
        if not agreed.alike:
            self._respond(group, step, back)
            return False
        whole = self._check.whole or self._check.every_step
        self._check.agreed(step)
        self._gone = 0
        if whole and counts:
            self._checkpoints.agreed(step)
        self._check.whole = agreed.any(control.SAVING) and not whole
        self._tell()
        return True

    def healed(self, group: Group, step: int, faults: Sequence[str]) -> None:
        """Values changed in this worker's memory while a step was computed, and the step was made again with what they had been."""
        me = self._members()[group.rank] if faults else ""
        for leaf in faults:
            print(f"ftc: {leaf} changed in this worker's memory during step {step + 1}, by no code: it was put back, and the step made again", flush=True)
            self._link.send(Diverged(group.generation, step, step, leaf, (), (me,), "repaired", None))

    def all_alike(self, group: Group, step: int, back: GoBack) -> bool:
        """Compares the whole state now: before the last checkpoint, and before all leave."""
        if group.size > 1 and not self._same_everywhere(group):
            self._respond(group, step, back)
            return False
        if group.size > 1:
            self._check.begin(step)
            self._tell()
        self._checkpoints.agreed(step)
        return True

    def _same_everywhere(self, group: Group) -> bool:
        return len({row[0] for row in wire.table(group, [self._check.all_of_it()])}) == 1

    def _respond(self, group: Group, step: int, back: GoBack, *, joined: bool = False) -> None:
        self._checkpoints.doubt()
        found = locate(group, of_state(self._own.capture()))
        if found is None:
            self._gone += 1
            if self._gone > TIMES:
                raise FtcError(f"the replicas differ at step {step}, again and again, in what is the same when it is looked at. {CAUSES}")
            self._check.begin(step)
            return
        since = -1 if joined else self._check.since(step)
        who = [self._members()[rank] for rank in found.ranks]
        own = self._before is not None and self._before.comes_back(found, who, step)
        rows = wire.table(group, [since, int(own)])
        since, again = min(row[0] for row in rows), any(row[1] for row in rows)
        action = decide(self._policy, found, since >= step - 1, again)
        before = self._before
        self._before = Dealt(found.leaf, found.position, who, step) if before is None else before.then(found, who, step)
        text = describe(found, self._members(), since, step)
        if action == "failed":
            self._report(group, found, since, step, "failed", None)
            more = " It was put right, and came back." if again else ""
            raise FtcError(f"{text}.{more}\n{CAUSES}")
        print(f"ftc: {text}", flush=True)
        if action == "repaired":
            assert found.source is not None
            bring(group, self._own, found.source, {rank: True for rank in found.ranks})
            to = step
        else:
            to = self._return(group, found, since, step, back)
        if not self._same_everywhere(group):
            self._report(group, found, since, step, "failed", None)
            raise FtcError(f"{text}. The state that was put in its place does not come out the same everywhere either.\n{CAUSES}")
        self._report(group, found, since, step, action, to if action == "returned" else None)
        self._check.begin(to)

    def _return(self, group: Group, found: Found, since: int, step: int, back: GoBack) -> int:
        """All go back. Some of them, or all, may start their scripts anew for it."""
        if group.rank == 0 and self._before is not None:
            with contextlib.suppress(OSError):  # without a disk there is no way back either
                remember(self._folder, self._before)
        try:
            return back(group)
        except StartAnew:
            self._report(group, found, since, step, "returned", None)
            raise

    def _members(self) -> list[str]:
        return self._membership.members

    def _report(self, group: Group, found: Found, since: int, step: int, action: Any, to: int | None) -> None:
        workers = tuple(self._members()[rank] for rank in found.ranks)
        told = Diverged(group.generation, step, max(since, 0), found.leaf, tuple(found.position), workers, action, to)
        self._link.send(told, sticky=True)

    def _publish(self, leaves: Leaves) -> None:
        """Where the state lies in memory, for who wants to damage it from outside."""
        params = dict(self._own.names.all)
        memory_map.publish([(name, params.get(name, tensor)) for name, tensor in leaves.tensors])

    def _tell(self) -> None:
        progress = self._progress
        progress.checks, progress.checked_step = self._check.count, self._check.known
