"""The script's helper processes at the end of the worker: none is left behind, and none is waited for without bound."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

GRACE = 5.0
"""Seconds that a helper has to end by itself. Plain Python would wait for it as long as it takes."""

TERMINATE = 1.0
"""Seconds from SIGTERM to SIGKILL."""


def end(grace: float = GRACE) -> None:
    """Ends what `multiprocessing` has started.

    First its own clean-up at exit does: pools are closed, daemons terminated, others waited for. After `grace` seconds SIGTERM
    comes to those that are left, then SIGKILL.

    What was started in another way (`subprocess`, `os.fork`) is left alone, as in plain Python; it ends with the container.
    """
    from multiprocessing import active_children, util  # loads a lot: the master is to hear of a worker before

    deaf()
    by_itself = threading.Thread(target=getattr(util, "_exit_function"), name="ftc-helpers", daemon=True)
    by_itself.start()
    by_itself.join(grace)
    for act in ("terminate", "kill"):
        helpers = active_children()
        for helper in helpers:
            getattr(helper, act)()
        _join(helpers, TERMINATE)


def deaf() -> None:
    """In the main thread: torch's data loaders do not raise there any more when one of their processes ends."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def being_prepared() -> bool:
    """This is a process that `multiprocessing` has started anew, while it imports the script to find what it is to call."""
    from multiprocessing import current_process

    return bool(getattr(current_process(), "_inheriting", False))


def leave(problem: BaseException | None) -> NoReturn:
    """Ends a helper that `os.fork` has made and that has come to the end of the script, as plain Python would.

    But for what Python does last: torch's objects would wait for threads that do not exist in a copy of the worker.
    """
    code = 1
    if problem is None:
        code = 0
    elif isinstance(problem, SystemExit) and (problem.code is None or isinstance(problem.code, int)):
        code = problem.code or 0
    elif isinstance(problem, SystemExit):
        print(problem.code, file=sys.stderr)
    else:
        traceback.print_exception(problem)
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code & 0xFF)


def _join(helpers: list[BaseProcess], seconds: float) -> None:
    until = time.monotonic() + seconds
    for helper in helpers:
        helper.join(max(0.0, until - time.monotonic()))
