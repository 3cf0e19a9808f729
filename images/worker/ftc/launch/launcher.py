"""One worker whose script knows nothing of ftc: keeps the control link, and runs the script anew in each generation.

Everything happens in one thread that takes events from a queue and then does what follows from where things stand.
"""

from __future__ import annotations

import os
import queue
import random
import sys
import time
import uuid
from typing import Literal, Union

from .. import signals
from ..config import Config
from ..errors import FtcError
from ..failure import LIMIT, describe
from ..link import Link
from ..messages import Failed, Generation, Hello, Leaving, Note, Ready, Script
from ..progress import Progress, epoch_ms
from ..visible import visible
from .child import Child
from .environment import PORTS, PORTS_FROM, environment, fresh_error_file, prepare
from .lines import stacks
from .numbers import let_pass
from .verdict import FROM_OUTSIDE, judge, last_traceback, peer_gone, progress, signal_name

RESTART_GRACE = 1.0
"""Seconds from SIGTERM to SIGKILL when somebody is lost: what the script could save, it cannot with peers gone."""

GOODBYE = 3.0
"""Seconds of the container's own grace that are kept for the launcher, where the script's end is planned."""

LAST_WORDS = 1.0
"""Seconds of those in which a script that does not end shows where its threads stand."""

PATIENCE = 0.5
"""Seconds that a failure waits for word of a loss that explains it: a script whose peer dies fails within milliseconds too."""

CONSEQUENCE = 5.0
"""The same where the error itself says that a peer is gone: one that raised is told of when its process has ended, which takes
long after its connections closed."""


class _Leave:
    """SIGTERM, or the master's `stop`."""


class _Now:
    """A second SIGTERM: no grace any more."""


Event = Union[Generation, Child, _Leave, _Now, int]
"""A new generation; a child that ended; to leave; an exit code: the job is over for this worker."""


class Launcher:
    """`run` lives until the worker is done, and returns its exit code."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._progress = Progress()
        self._progress.ready = True  # from the first moment: there is nothing to build or open here
        self._progress.phase = "idle"
        self._incarnation = uuid.uuid4().hex
        self._started_at = epoch_ms()
        self._port = PORTS_FROM + random.SystemRandom().randrange(PORTS)
        self._newest: Generation | None = None
        self._ran = 0
        """The generation of the last child."""
        self._child: Child | None = None
        self._kill_at: float | None = None
        self._aborted = False
        """The child was told to show where it stands."""
        self._failed: Child | None = None
        """A child that ended with an error nobody has explained yet."""
        self._report_at = 0.0
        self._hurry = False
        """Somebody was lost since the script was started."""
        self._fingerprint: str | None = None
        self._leaving = False
        self._over: int | None = None
        self._link = Link(
            (config.master_host, config.master_port),
            config.key_dir,
            self._progress,
            self._hello,
            self._events.put,
            lambda _reason: self._events.put(_Leave()),
            self._on_end,
            dead_after=config.heartbeat_timeout,
        )

    def run(self) -> int:
        signals.on_sigterm(lambda: self._events.put(_Leave()), lambda: self._events.put(_Now()))
        self._link.send(Ready(0, False, None))
        self._link.start()
        while True:
            code = self._settle()
            if code is not None:
                return code
            try:
                self._take(self._events.get(timeout=self._patience()))
            except queue.Empty:
                pass

    def _take(self, event: Event) -> None:
        if isinstance(event, Generation):
            if self._newest is None or event.generation > self._newest.generation:
                # One that begins from an empty generation has lost nobody.
                lost = event.when == "now" and (self._newest is None or bool(self._newest.members))
                self._hurry = self._hurry or lost
                self._newest = event
        elif isinstance(event, Child):
            if event is self._child:
                self._ended(event)
        elif isinstance(event, _Leave):
            self._leaving = True
        elif isinstance(event, _Now):
            self._leaving = True
            if self._child is not None:
                self._child.kill()
            self._over = 143
        else:
            self._over = event

    def _ended(self, child: Child) -> None:
        self._child = None
        self._kill_at = None
        if child.stopping:
            if self._aborted:
                self._aborted = False
                text = f"the script did not end within {self._config.stop_grace - GOODBYE:g} s of SIGTERM, and was killed"
                self._link.send(Note("warn", text, stacks(child.stderr)[-LIMIT:] or None))
            if last_traceback(child.stderr) and not peer_gone(child.stderr):  # it may have failed by itself, a moment before it was told to end
                self._fingerprint = self._verdict(child).fingerprint
        elif child.code == 0:
            self._say("ended")
            self._progress.phase = "finishing"
        else:
            self._failed = child
            self._report_at = time.monotonic() + (CONSEQUENCE if peer_gone(child.stderr) else PATIENCE)

    def _settle(self) -> int | None:
        """What follows from where things stand. The exit code when this is the end."""
        now = time.monotonic()
        if self._child is not None:
            self._part_from(self._child, now)
            return None
        if self._over is not None:
            return self._over
        if self._leaving:
            return self._leave()
        if self._failed is not None and not self._superseded(self._failed):
            return self._report(self._failed) if now >= self._report_at else None
        self._forgive()
        if self._newest is not None and self._newest.generation > self._ran:
            return self._start(self._newest)
        return None

    def _part_from(self, child: Child, now: float) -> None:
        """Ends a child that has no place any more: gently at first."""
        if self._kill_at is not None:
            if not self._planned():
                self._kill_at = min(self._kill_at, now + RESTART_GRACE)
            if now >= self._kill_at:
                self._out_of_time(child, now)
            return
        if self._over is None and not self._leaving and not self._superseded(child):
            return
        self._progress.phase = "stopping" if self._leaving else "regroup"
        self._kill_at = now + (max(RESTART_GRACE, self._config.stop_grace - GOODBYE) if self._planned() else RESTART_GRACE)
        child.stop()

    def _out_of_time(self, child: Child, now: float) -> None:
        """It has had the time that there was. One that had plenty shows where it hangs, before it is killed."""
        if self._planned() and not self._aborted:
            self._aborted = True
            self._kill_at = now + LAST_WORDS
            child.abort()
        else:
            child.kill()
            self._kill_at = float("inf")

    def _planned(self) -> bool:
        """The script is to end, and nobody has been lost: there is time to save."""
        return self._leaving or (self._over is None and not self._hurry)

    def _superseded(self, child: Child) -> bool:
        return self._newest is not None and self._newest.generation > child.generation

    def _forgive(self) -> None:
        """A failure that a newer generation explains: the others went first. It counts only if it comes again by itself."""
        if self._failed is not None:
            if not peer_gone(self._failed.stderr):
                self._fingerprint = self._verdict(self._failed).fingerprint
            print("ftc: the script failed because the generation had lost somebody; it starts again", file=sys.stderr)
            self._failed = None

    def _start(self, generation: Generation) -> int | None:
        """Runs the script as a member of that generation. An exit code where it cannot."""
        rank = generation.rank_of(self._config.worker)
        self._ran = generation.generation
        self._hurry = False
        self._link.unstick("script")
        if rank is None:
            self._progress.generation = None
            self._progress.phase = "idle"
            what = "standby" if generation.members else "waiting for the others"
            print(f"ftc: {what} in generation {generation.generation}", flush=True)
            return None
        config = self._config
        try:
            prepare(config)
        except FtcError as error:
            print(f"ftc: {error}", file=sys.stderr)
            return self._fail(describe(error, 0))
        print(f"ftc: rank {rank} of {len(generation.members)} in generation {generation.generation}", flush=True)
        command = [sys.executable, "-u", str(config.running), *config.args]
        error_file = fresh_error_file(config)
        env = environment(os.environ, config, generation, rank, error_file)
        if config.one_node:
            let_pass(rank, len(generation.members))
        self._child = Child(command, env, generation.generation, self._events.put, error_file)
        self._progress.generation = generation.generation
        self._progress.phase = "running"
        self._say("started")
        return None

    def _say(self, state: Literal["started", "ended"]) -> None:
        self._link.send(Script(self._ran, state, epoch_ms()), sticky=True)

    def _report(self, child: Child) -> int:
        if -child.code in FROM_OUTSIDE:
            self._link.send(Note("warn", f"the script was ended by {signal_name(-child.code)}"))
            self._link.drain(5.0)
            return 128 - child.code
        return self._fail(self._verdict(child))

    def _fail(self, failed: Failed) -> int:
        self._link.send(failed)
        self._link.drain(5.0)
        return 1

    def _verdict(self, child: Child) -> Failed:
        reached = " and ".join(progress(folder, child.seconds) for folder in self._config.script_dirs)
        return judge(child.code, child.stderr, reached, self._fingerprint)

    def _leave(self) -> int:
        self._progress.phase = "stopping"
        self._link.send(Leaving(0, False))
        self._link.drain(2.0)
        return 0

    def _patience(self) -> float | None:
        """Seconds until something is due by itself."""
        due = [at for at in (self._kill_at, self._report_at if self._failed else None) if at is not None]
        soonest = min(due, default=float("inf"))
        return None if soonest == float("inf") else max(0.0, soonest - time.monotonic())

    def _on_end(self, code: int, reason: str) -> None:
        """`shutdown` (0) or `refused` (2)."""
        if code != 0:
            print(f"ftc: the master refused this worker: {visible(reason)}", file=sys.stderr)
        self._events.put(code)

    def _hello(self, host: str) -> Hello:
        return Hello(
            job=self._config.job,
            id=self._config.worker,
            incarnation=self._incarnation,
            started_at=self._started_at,
            host=host,
            store_port=self._port,
            step=0,
            holds_state=False,
            ready=self._progress.ready,
            generation=self._progress.generation,
            total_steps=None,
        )
