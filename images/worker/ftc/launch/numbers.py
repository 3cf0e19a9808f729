"""Process numbers: every container counts its own, so the scripts of all workers would have the same one.

On one machine no two processes have, and scripts put theirs into the names of files that others must not touch.
"""

from __future__ import annotations

import os
from pathlib import Path

LEAST = 64


def let_pass(rank: int, world: int) -> None:
    """Uses numbers up until the next process gets one that no other rank's script has: its remainder is `rank`.

    As good as it can be: another thread of this process may start something in the same moment. It takes milliseconds.
    """
    turn = max(LEAST, 1 << world.bit_length())
    for _ in range(turn):
        if (_newest() + 1) % turn == rank:
            return
        try:
            os.posix_spawn("/nonexistent", ["nothing"], {})
        except OSError:
            pass  # the number is used up all the same


def _newest() -> int:
    """The last that was given away among this container's processes."""
    return int(Path("/proc/loadavg").read_text().split()[-1])
