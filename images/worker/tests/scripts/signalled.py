"""Takes SIGTERM and the wakeup descriptor into its own hands for a while, as the first argument says; then trains.

Before step 4 it waits until the file `go` is there.
"""

import asyncio
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

import ftc

fork = multiprocessing.get_context("fork")


async def other_signal() -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, print)


async def this_signal() -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, print)


def forever() -> None:
    while True:
        time.sleep(60)


def put_back() -> None:
    """A handler for a while, then what was there before: in a helper that would be the worker's."""
    before = signal.getsignal(signal.SIGTERM)
    process = fork.Process(target=restored, args=(before,))
    process.start()
    time.sleep(0.2)
    process.terminate()
    process.join(30)
    assert process.exitcode == -signal.SIGTERM, process.exitcode


def restored(before: Any) -> None:
    signal.signal(signal.SIGTERM, before)
    forever()


def own_handler() -> None:
    signal.signal(signal.SIGTERM, lambda *_: print("the script has seen SIGTERM", flush=True))


def trains() -> None:
    """A helper that takes itself for the worker."""
    pid = os.fork()
    if pid == 0:
        ftc.run(train)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1


KINDS: dict[str, Callable[[], object]] = {
    "other": lambda: asyncio.run(other_signal()),
    "this": lambda: asyncio.run(this_signal()),
    "put_back": put_back,
    "own": own_handler,
    "trains": trains,
}


def train(job: ftc.Job) -> None:
    (kind,) = job.args
    act = KINDS[kind]
    act()
    torch.manual_seed(1)
    x = torch.randn(48, 8)
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
    job.register(model=model, optimizer=torch.optim.Adam(model.parameters(), lr=0.01))
    for batch in job.batches(x, batch_size=24):
        while job.step_number == 4 and not (job.checkpoint_dir.parent / "go").exists():
            time.sleep(0.002)
        if job.step(model(batch.x).square().mean()) and job.step_number == 2:
            act()


ftc.run(train)
