"""What every act can do, and how it is told that it cannot."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from typing import Any, Protocol

Spec = dict[str, Any]


class Cannot(Exception):
    """This kernel, or this volume, does not allow it: the message says why."""


class Absent(Exception):
    """What is meant is not there, at the moment: the message says what."""


class Act(Protocol):
    def look(self) -> Spec:
        """What there is before, and changes nothing. Raises Cannot, Absent."""

    def apply(self, go: Spec) -> Spec:
        """Does it; `go` is what was decided about what `look` has seen. Raises Cannot, Absent."""

    def hold(self, seconds: float) -> None:
        """Goes on with it for so long, or until a signal raises."""

    def revert(self) -> None:
        """Puts right what `apply` did, now or in another process. Harmless where there is nothing."""


def run(*command: str, stdin: str | None = None) -> str:
    """Its stdout. Raises Cannot with what it says."""
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Cannot(f"{' '.join(command[:2])}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def words(value: Any) -> Sequence[str]:
    return [str(word) for word in value]
