"""A training loop that changes its way of saving as it goes. Arguments: megabytes of state, rounds, timed steps a stretch.

One process, so that all ways are measured on the same model, machine and minute; ftc's own is the real one, switched on and off.
Writes `commits/result.json` when all rounds are done, then waits to be removed. Times are milliseconds.
"""

import dataclasses
import hashlib
import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ftc
import torch
import torch.nn.functional as F
from ftc.messages import CheckpointReport
from ftc.packing import tensors_of
from workloads import mlp, vectors

EVERY = 10
"""Steps between two checkpoints."""
OFFSET = 5
"""A stretch begins this many steps before its first checkpoint, so that the last one's writing is timed, too."""
REST = 10
"""Steps between two stretches, not timed."""
NEVER = 1 << 60
LAYERS = 8
SIZES = {1: (95, 1024), 100: (1015, 256), 500: (2270, 64)}
"""Megabytes of parameters and Adam's two moments: (width, samples a step)."""
FOLDER = Path(os.environ["CHECKPOINT_DIR"])


def now() -> float:
    return time.perf_counter() * 1e3


class Plain:
    """torch.save in the loop: to a temporary name, synced, renamed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, state: Any) -> dict[str, float]:
        path, began = self._folder / "plain.tmp", now()
        with open(path, "wb") as file:
            torch.save(state, file)
            file.flush()
            saved = now()
            os.fsync(file.fileno())
        os.replace(path, self._folder / "plain.pt")
        directory = os.open(self._folder, os.O_RDONLY)
        os.fsync(directory)
        os.close(directory)
        return {"stall": now() - began, "call": saved - began, "durable": now() - began}

    def settle(self) -> None:
        pass


class Distributed:
    """torch.distributed.checkpoint.async_save, one in flight: the next call waits for the one before, as its documentation asks."""

    def __init__(self, folder: Path) -> None:
        import torch.distributed as dist

        dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
        self._folder = folder
        self._future: Any = None
        self._count = 0

    def save(self, state: Any) -> dict[str, float]:
        from torch.distributed.checkpoint import async_save

        began = now()
        if self._future is not None:
            self._future.result()
        for old in self._folder.glob("async-*"):
            shutil.rmtree(old)
        self._count += 1
        found: dict[str, float] = {}
        self._future = async_save(state, checkpoint_id=str(self._folder / f"async-{self._count}"))
        self._future.add_done_callback(lambda _: found.update(durable=now() - began))
        found["stall"] = now() - began
        return found

    def settle(self) -> None:
        if self._future is not None:
            self._future.result()


class Own:
    """ftc's checkpoints: the runtime makes them, this only turns them on and off and listens to what they report."""

    def __init__(self, job: ftc.Job) -> None:
        self._job = job
        self.reports: list[CheckpointReport] = []
        link = job._runtime.link
        send = link.send

        def listen(message: Any, **how: Any) -> Any:
            if isinstance(message, CheckpointReport):
                self.reports.append(message)
            return send(message, **how)

        link.send = listen  # type: ignore[method-assign]

    @property
    def _checkpoints(self) -> Any:
        assert self._job.loop is not None
        return self._job.loop._checkpoints

    def every(self, steps: int) -> None:
        self._checkpoints._config = dataclasses.replace(self._checkpoints._config, checkpoint_every=steps)

    def settle(self) -> None:
        self._checkpoints._writer.join()

    def load(self) -> None:
        self._checkpoints.load()


def copy_time(state: Any) -> float:
    """One copy of all tensors into memory that has been touched; the least of five."""
    tensors = list(tensors_of(state))
    there = [tensor.clone() for tensor in tensors]
    times = []
    for _ in range(5):
        began = now()
        for target, tensor in zip(there, tensors):
            target.copy_(tensor)
        times.append(now() - began)
    return min(times)


def read_and_hash(path: Path) -> float:
    began = now()
    sha, buffer = hashlib.sha256(), bytearray(1 << 22)
    with open(path, "rb", buffering=0) as file:
        while count := file.readinto(buffer):
            sha.update(memoryview(buffer)[:count])
    return now() - began


def timed(act: Callable[[], object]) -> float:
    began = now()
    act()
    return now() - began


class Schedule:
    """Called after every commit: which step of which stretch has just been made, and what is to be done about it."""

    def __init__(self, job: ftc.Job, rounds: int, length: int, state: Callable[[], Any]) -> None:
        self._job = job
        self._state = state
        self._folder = FOLDER / "other"
        self._folder.mkdir(exist_ok=True)
        self.own = Own(job)
        self._ways: dict[str, Any] = {"none": None, "save": Plain(self._folder), "async": Distributed(self._folder), "ftc": self.own}
        names = list(self._ways)
        self._stretches = [names[(turn + index) % len(names)] for turn in range(rounds) for index in range(len(names))]
        self._length = length
        self._begin = REST + OFFSET
        self._began = 0.0
        self._saves: list[dict[str, float]] = []
        self._copies: list[float] = []
        self.found: list[dict[str, Any]] = []

    def committed(self, step: int) -> bool:
        """True: all has been measured."""
        if not self.found and step == 1:
            self.own.every(NEVER)
        if step == self._begin:
            self._start()
        elif self._begin < step < self._begin + self._length:
            way = self._ways[self._name]
            if isinstance(way, (Plain, Distributed)) and step % EVERY == 0:
                self._saves.append(way.save(self._state()))
        elif step == self._begin + self._length:
            self._end()
        return len(self.found) == len(self._stretches)

    @property
    def _name(self) -> str:
        return self._stretches[len(self.found)]

    def _start(self) -> None:
        self._copies.append(copy_time(self._state()))
        os.sync()
        self._saves = []
        self.own.reports.clear()
        self.own.every(EVERY if self._name == "ftc" else NEVER)
        self._began = now()

    def _end(self) -> None:
        took = now() - self._began
        name, way = self._name, self._ways[self._name]
        self.own.every(NEVER)
        if way is not None:
            way.settle()
        if name == "ftc":
            self._saves = [
                {
                    "stall": report.stall_ms,
                    "durable": report.stall_ms + report.write_ms,
                    "serialise": report.serialise_ms,
                    "fsync": report.fsync_ms,
                    "delayed": report.delayed_ms,
                }
                for report in self.own.reports
                if report.ok
            ]
        self.found.append({"way": name, "ms": took, "steps": self._length, "due": self._length // EVERY, "saves": self._saves})
        self._begin += self._length + REST
        shutil.rmtree(self._folder)
        self._folder.mkdir()

    def result(self) -> dict[str, Any]:
        newest = max(FOLDER.glob("*/step-*/state.pt"))
        size = newest.stat().st_size
        resume = [(timed(self.own.load), read_and_hash(newest)) for _ in range(5)]
        return {"bytes": size, "copy": self._copies, "stretches": self.found, "resume": resume}


def train(job: ftc.Job) -> None:
    megabytes, rounds, length = (int(arg) for arg in job.args)
    width, batch_size = SIZES[megabytes]
    model = mlp(128, *[width] * (LAYERS + 1), 10)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    job.register(model=model, optimizer=optimizer)
    schedule = Schedule(job, rounds, length, lambda: {"model": model.state_dict(), "optimizer": optimizer.state_dict()})
    for batch in job.batches(vectors(batch_size * 16, 128), batch_size=batch_size):
        if job.step(F.cross_entropy(model(batch.x), batch.y)) and schedule.committed(job.step_number):
            break
    target = FOLDER / "commits" / "result.json"
    target.with_suffix(".tmp").write_text(json.dumps(schedule.result()))
    target.with_suffix(".tmp").rename(target)
    while True:
        signal.pause()


ftc.run(train)
