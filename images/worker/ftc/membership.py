"""This worker's place in the job: which generation it is in, and how it gets into the next."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from . import signals
from .config import Config
from .errors import Broken
from .feed import Feed
from .group import Group, meet
from .guard import Guard, Guards
from .link import Link
from .mailbox import Mailbox
from .messages import BrokenReport
from .progress import Progress
from .place import Place
from .standby import Standby
from .state import Registered
from .visible import visible


class Membership:
    """`group` is None while the worker is a standby, or between two generations."""

    def __init__(
        self,
        config: Config,
        link: Link,
        mailbox: Mailbox,
        progress: Progress,
        guards: Guards,
        store_port: int,
        feed: Feed | None,
        own_store: Any,
    ) -> None:
        self._config = config
        self._link = link
        self._mailbox = mailbox
        self._progress = progress
        self._guards = guards
        self._store_port = store_port
        self._feed = feed
        self._store = own_store
        self._standby: Standby | None = None
        self.group: Group | None = None
        self.generation = -1
        """Of the newest group that was met or tried; -1 before the first."""
        self.members: list[str] = []
        """Ids of that group's workers, by rank."""

    def register(self, own: Registered, place: Place) -> None:
        """The script's objects are there: with `standbySync`, a standby may load the members' state into them."""
        if self._feed is not None:
            self._standby = Standby(self._config, lambda: self._link.key, self._progress, own, place)

    def committed(self, own: Registered) -> None:
        """A step was: standbys that follow this member may be due for the state."""
        signals.keep(wakeup=False)
        if self._feed is not None:
            self._feed.offer(own, self._progress.step, self._progress.loss)

    def rest(self) -> bool:
        """Stops following. True: this was a standby, and there are members that hold what it holds. Raises FtcError."""
        if self._standby is None:
            return False
        following = self._standby.following
        self._standby.rest()
        return following

    def join(self, synchronise: Callable[[Group], None], at_least: int = 0) -> Group:
        """Waits for a generation with this worker in it, meets, and has the state synchronised. Raises Leave.

        What breaks on the way is told, and the next generation waited for.
        """
        signals.keep(wakeup=True)
        least = max(at_least, self.generation + 1)
        while True:
            self._progress.phase = "regroup" if self._progress.generation is not None else "idle"
            generation = self._mailbox.wait(least)
            least = generation.generation + 1
            rank = generation.rank_of(self._config.worker)
            self._link.unstick("broken")
            if rank is None:
                self._progress.generation = None
                print(f"ftc: standby in generation {generation.generation}", flush=True)
                if self._standby is not None:
                    self._standby.follow(generation)
                continue
            self.rest()
            self.generation = self._progress.generation = generation.generation
            self.members = [member.id for member in generation.members]
            self._progress.phase = "regroup"
            if self._feed is not None:
                self._feed.announce(self._store)
            guard = Guard(generation.generation, self._store_port, self._link.spared)
            self._guards.current = guard
            reason = ""
            try:
                name = self._link.key.name(f"gen-{generation.generation}")
                self.group = meet(generation, rank, guard, self._mailbox, self._config.backend, name)
                self._progress.phase = "sync"
                synchronise(self.group)
                print(f"ftc: rank {rank} of {len(generation.members)} in generation {generation.generation}", flush=True)
                return self.group
            except Broken as error:
                reason = error.reason
            if self.group is None:
                guard.shut()
                guard.release()
            self.lost(reason)

    def lost(self, reason: str) -> None:
        """The group failed: leaves it, and says so unless a newer generation is known already."""
        self.part()
        print(f"ftc: generation {self.generation} is left: {_for_people(reason)}", flush=True)
        if self._mailbox.newest <= self.generation:
            self._link.send(BrokenReport(self.generation, reason[:2000]), sticky=True)

    def part(self) -> None:
        """Leaves the group, if any."""
        if self.group is not None:
            self.group.close()
            self.group = None
        self._guards.current = None

    @property
    def superseded(self) -> bool:
        return self._mailbox.superseded(self.generation)


def _for_people(reason: str) -> str:
    """The first line, without the place in gloo's sources that it begins with."""
    lines = re.sub(r"^\[[^\]\s]*\] ?", "", reason).splitlines()
    return visible(lines[0], 300) if lines else "lost"
