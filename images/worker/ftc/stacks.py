"""SIGQUIT shows where every thread of this process stands, on stderr: the supervisor sends it to a worker that hangs, before SIGKILL.

Python's own C code writes it, so it works where no Python code runs any more. A script that handles SIGQUIT itself has it for itself.
"""

from __future__ import annotations

import faulthandler
import signal

STDERR = 2


def show_on_quit() -> None:
    """Once, early."""
    try:
        faulthandler.register(signal.SIGQUIT, file=STDERR, all_threads=True)
    except (AttributeError, OSError, RuntimeError, ValueError):
        pass  # this system knows no such signal: then nothing is shown
