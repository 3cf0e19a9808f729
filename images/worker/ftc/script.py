"""Running the user's script, and `ftc.run` inside it."""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from . import forks, helpers, workdir
from .config import Config
from .errors import FtcError, UsageError
from .messages import Done
from .runtime import Runtime

if TYPE_CHECKING:
    from .job import Job

_runtime: Runtime | None = None
_finished = False


def run(train: Callable[[Job], object]) -> None:
    """Trains: calls `train(job)` and reports its result. The last thing that a training script does.

    Does nothing in a helper process that `multiprocessing` prepares by importing the script (spawn and forkserver).
    """
    global _finished
    if helpers.being_prepared():
        return
    forks.refuse("ftc.run")
    from .job import Job

    if _runtime is None and os.environ.get("FTC_LAUNCHER") == "torchrun":
        raise UsageError("this job runs its script as torchrun does; set `launcher: ftc` for a script that calls ftc.run")
    if _runtime is None:
        raise UsageError("this script runs inside of a job: start it with `ftc up`")
    if _finished:
        raise UsageError("ftc.run was called twice")
    job = Job(_runtime)
    train(job)
    if forks.in_helper():
        return
    loop = job.loop
    if loop is None:
        raise UsageError("the script's function returned without a loop over job.batches: nothing was trained")
    if not loop.digest:
        raise UsageError(
            "the loop over job.batches was left before its last step. To end training early, call job.finish(\"the reason\") in every worker "
            "at the same step, and let the loop end by itself; or set `steps` or `epochs`"
        )
    _finished = True
    _runtime.link.send(Done(_runtime.progress.step, loop.digest, job.metrics), sticky=True)


def current() -> Runtime | None:
    """The process's, where it is a worker of a job."""
    return _runtime


def check(path: Path) -> None:
    """Raises FtcError where the script cannot be started."""
    if not path.is_file():
        raise FtcError(f"the script {path} is not there: is its folder mounted, and FTC_SCRIPT right?")
    if not os.access(path, os.R_OK):
        raise FtcError(f"the script {path} cannot be read by user {os.getuid()}: its permissions do not allow it")


def enter(config: Config) -> None:
    """Goes where the script runs. Raises FtcError where that, or the script, cannot be had."""
    check(config.script)
    if config.copies:
        workdir.settle(config.script.parent, config.work_dir)
        os.chdir(config.work_dir)


def execute(runtime: Runtime) -> None:
    """Runs the job's script as `__main__`. Whatever it raises passes through; FtcError where it cannot start."""
    global _runtime
    _runtime = runtime
    enter(runtime.config)
    path = runtime.config.running
    sys.argv = [str(path), *runtime.config.args]
    sys.path.insert(0, str(path.parent))
    try:
        runpy.run_path(str(path), run_name="__main__")
    except SystemExit as ended:
        if forks.in_helper():
            raise
        if ended.code not in (None, 0):
            raise RuntimeError(f"the script called sys.exit({ended.code!r})") from None
    if not _finished and not forks.in_helper():
        raise UsageError(f"the script {path} ended without ftc.run(train): nothing was trained")
