"""One worker process: its link, its mailbox, its store, and what happens to them when it is told to end."""

from __future__ import annotations

import os
import sys
import threading
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import deferred, descriptors, forks, helpers, signals, store
from .config import Config
from .guard import Guards
from .link import Link
from .mailbox import Mailbox
from .messages import Generation, Hello, Leaving
from .progress import Progress, epoch_ms
from .visible import visible

if TYPE_CHECKING:
    from .feed import Feed
    from .membership import Membership


class Runtime:
    """Made once, in the main thread, before torch is loaded: the master hears of this worker first of all."""

    def __init__(self, config: Config) -> None:
        forks.install()
        descriptors.install()
        self.config = config
        self.progress = Progress()
        self.mailbox = Mailbox()
        self.guards = Guards()
        self._incarnation = uuid.uuid4().hex
        self._started_at = epoch_ms()
        self._listening = store.listen()
        self.store_port: int = self._listening.getsockname()[1]
        self._store: Any = None
        self._feed: Feed | None = None
        self._ending = threading.Lock()
        self._before_exit: list[Callable[[float], None]] = []
        self.link = Link(
            (config.master_host, config.master_port),
            config.key_dir,
            self.progress,
            self._hello,
            self._on_generation,
            lambda _reason: self._asked_to_leave(whole_job=True),
            self._on_end,
            dead_after=config.heartbeat_timeout,
        )

    def start(self) -> None:
        """Connects, then loads torch and serves the store."""
        signals.on_sigterm(lambda: self._asked_to_leave(whole_job=False), lambda: self._exit(143, grace=0.0))
        self.link.start()
        prepare_torch(self.config)
        self._store = store.serve(self._listening)
        if self.config.standby_sync is not None:
            from .feed import Feed

            self._feed = Feed(self.config.job, self.config.standby_sync, lambda: self.link.key)

    def before_exit(self, wait: Callable[[float], None]) -> None:
        """`wait` is called with the most seconds that it may take, before this process ends."""
        self._before_exit.append(wait)

    def membership(self) -> Membership:
        from .membership import Membership

        link, mailbox, progress = self.link, self.mailbox, self.progress
        return Membership(self.config, link, mailbox, progress, self.guards, self.store_port, self._feed, self._store)

    def _hello(self, host: str) -> Hello:
        progress = self.progress
        return Hello(
            job=self.config.job,
            id=self.config.worker,
            incarnation=self._incarnation,
            started_at=self._started_at,
            host=host,
            store_port=self.store_port,
            step=progress.step,
            holds_state=progress.holds_state,
            ready=progress.ready,
            generation=progress.generation,
            total_steps=progress.total_steps,
        )

    def _on_generation(self, generation: Generation) -> None:
        if self.mailbox.deliver(generation):
            self.guards.leave_below(generation.generation, at_once=generation.when == "now")

    def _asked_to_leave(self, *, whole_job: bool) -> None:
        """SIGTERM or `stop`: at the next boundary, or at once where no step is under way."""
        self.mailbox.request_leave(whole_job=whole_job)
        self.guards.stop_meeting()
        if self.progress.phase in ("starting", "finishing"):
            self.link.send(Leaving(self.progress.step, False))
            threading.Thread(target=self._drain_and_exit, daemon=True).start()

    def _on_end(self, code: int, reason: str) -> None:
        """`shutdown` (0) or `refused` (2). What the script printed is flushed; a checkpoint in flight is finished."""
        if code != 0:
            print(f"ftc: the master refused this worker: {visible(reason)}", file=sys.stderr)
        threading.Thread(target=lambda: self._exit(code), daemon=True).start()

    def _drain_and_exit(self) -> None:
        self.link.drain(2.0)
        self._exit(0)

    def _exit(self, code: int, grace: float = helpers.GRACE) -> None:
        with self._ending:
            for wait in self._before_exit:
                wait(5.0)
            helpers.end(grace)
            for stream in (sys.stdout, sys.stderr):
                try:
                    stream.flush()
                except (OSError, ValueError):
                    pass
            os._exit(code)


def prepare_torch(config: Config) -> None:
    """Fixed threads and deterministic algorithms: equal bits need both."""
    os.environ.setdefault("OMP_NUM_THREADS", str(config.threads))
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "FATAL")  # what fails is raised too, and a lost peer is no news to us
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    deferred.install()
    import torch

    from .rng import seed_all

    deferred.watch_meta()
    torch.set_num_threads(config.threads)
    torch.set_num_interop_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    seed_all(config.seed, "start")
