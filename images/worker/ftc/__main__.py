"""`python -m ftc`: one worker. Exit codes are in docs/protocol.md."""

from __future__ import annotations

import sys
import threading

from . import forks, helpers, home, stacks
from .config import from_env
from .errors import ConfigError, Leave, StartAnew
from .failure import describe
from .messages import Leaving, Note
from .runtime import Runtime
from .script import execute
from .visible import visible


ANEW = 75
"""The exit code of a worker that has to run its script from the beginning: the supervisor starts it again, as after any loss."""


def main() -> int:
    try:
        config = from_env()
    except ConfigError as error:
        print(f"ftc: {visible(str(error))}", file=sys.stderr)
        return 2
    home.settle()
    stacks.show_on_quit()
    if config.launcher == "torchrun":
        from .launch import launch

        return launch(config)
    runtime = Runtime(config)
    try:
        runtime.start()
        execute(runtime)
    except Leave:
        runtime.link.drain(5.0)
        helpers.end()
        return 0
    except StartAnew as why:
        print(f"ftc: {why}", flush=True)
        runtime.link.send(Note("info", str(why)))
        runtime.link.drain(5.0)
        helpers.end()
        return ANEW
    except BaseException as error:  # the one place: every failure of the script ends here
        if forks.in_helper():
            helpers.leave(error)
        if runtime.progress.parting:  # the state is written, and nothing would have come of that slice
            print(f"ftc: the slice after the last step failed, and this worker leaves without it: {error!r}", file=sys.stderr, flush=True)
            runtime.link.send(Leaving(runtime.progress.step, True))
            runtime.link.drain(5.0)
            helpers.end()
            return 0
        failed = describe(error, runtime.progress.step)
        print(failed.traceback or f"ftc: {failed.message}", file=sys.stderr, flush=True)
        runtime.link.send(failed)
        runtime.link.drain(5.0)
        helpers.end()
        return 1
    if forks.in_helper():
        helpers.leave(None)
    helpers.deaf()
    threading.Event().wait()  # for `shutdown`
    return 0


if __name__ == "__main__":
    code = main()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    if code == 0:
        sys.exit(0)
    import os

    os._exit(code)
