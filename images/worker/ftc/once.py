"""Side effects of committed steps: each runs in one worker, and in another where that one dies first.

One leads: the lowest rank that has committed the step. It runs the effect and writes down that it did, on the shared volume. The
others remember it until the leader has come to the next reduction; if it is lost before, the next leader runs what is not written down.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from .checkpoint import plain

Effect = Callable[[], object]
MOST_BYTES = 256 << 20
"""Of the file. A line takes some ten."""


class Once:
    """One worker's. An effect is known by its step, and its place among those of that step."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._step, self._count = -1, 0
        self._waiting: dict[tuple[int, int], Effect] = {}
        self._done: set[tuple[int, int]] | None = None

    def add(self, step: int, effect: Effect, leads: bool) -> None:
        """After the commit of `step`."""
        self._count = self._count + 1 if step == self._step else 0
        self._step = step
        self._waiting[(step, self._count)] = effect
        if leads:
            self.lead()

    def lead(self) -> None:
        """This worker leads: it runs what waits and was not run. Whatever an effect raises passes through."""
        for key, effect in list(self._waiting.items()):
            if key not in self._known():
                effect()
                self._write(key)
            del self._waiting[key]

    def passed(self) -> None:
        """The leader has come to the next reduction, and so has run all."""
        self._waiting.clear()

    def entered(self) -> None:
        """A new generation: others may have written meanwhile."""
        self._done = None

    def _known(self) -> set[tuple[int, int]]:
        if self._done is None:
            self._done = set()
            try:
                for line in plain.read(self._path, MOST_BYTES).decode("ascii", errors="replace").splitlines():
                    self._done.add(_parse(line))
            except FileNotFoundError:
                pass
        return self._done

    def _write(self, key: tuple[int, int]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with open(self._path, "a", encoding="ascii", opener=plain.itself) as file:
            file.write(json.dumps(list(key)) + "\n")
        self._known().add(key)


def _parse(line: str) -> tuple[int, int]:
    """(-1, -1) for what a worker that died in the middle of it has left."""
    try:
        step, place = json.loads(line)
        return int(step), int(place)
    except (ValueError, TypeError):
        return -1, -1
