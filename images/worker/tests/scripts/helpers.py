"""Helper processes of a kind (the first argument) before the loop, inside of it, and after it. Dropout and Adam, as small as can be."""

import asyncio
import concurrent.futures
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import ftc

fork = multiprocessing.get_context("fork")
kept: list[Any] = []


def forever() -> None:
    while True:
        time.sleep(60)


def square(i: int) -> int:
    return i * i


def stuck(i: int) -> int:
    if i:
        time.sleep(600)
    return i


def ended(process: multiprocessing.process.BaseProcess, number: signal.Signals = signal.SIGTERM) -> None:
    process.join(30)
    assert process.exitcode == -number, process.exitcode


def terminated(context: Any) -> None:
    process = context.Process(target=forever, daemon=True)
    process.start()
    process.terminate()
    ended(process)


def killed() -> None:
    process = fork.Process(target=forever, daemon=True)
    process.start()
    process.kill()
    ended(process, signal.SIGKILL)


def at_once() -> None:
    """SIGTERM comes before the helper has done anything."""
    for _ in range(8):
        terminated(fork)


def pool() -> None:
    with fork.Pool(2) as workers:
        assert next(workers.imap_unordered(stuck, range(4))) == 0


def executor(context: Any) -> None:
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as workers:
        assert list(workers.map(square, range(4))) == [0, 1, 4, 9]


def by_hand() -> None:
    pid = os.fork()
    if pid == 0:
        forever()
    os.kill(pid, signal.SIGTERM)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGTERM


def exits() -> None:
    """The copy goes up through ftc, and ends as in plain Python."""
    pid = os.fork()
    if pid == 0:
        print("a copy says so")
        sys.exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7


def daemon() -> None:
    """The classic way: a copy that closes all that it has, and forks once more."""
    pid = os.fork()
    if pid == 0:
        os.closerange(3, 1024)
        files = [os.open(__file__, os.O_RDONLY) for _ in range(64)]
        second = os.fork()
        if second == 0:
            os._exit(0 if all(os.read(file, 1) for file in files) else 3)
        os._exit(os.waitstatus_to_exitcode(os.waitpid(second, 0)[1]))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def programs() -> None:
    for close_fds in (True, False):
        child = subprocess.Popen(["sleep", "600"], close_fds=close_fds)
        child.terminate()
        assert child.wait(30) == -signal.SIGTERM
    hooked = subprocess.Popen(["sleep", "600"], preexec_fn=os.getpid)
    hooked.terminate()
    assert hooked.wait(30) == -signal.SIGTERM
    assert os.system("exit 3") == 3 << 8
    pid = os.posix_spawn("/bin/sleep", ["sleep", "600"], os.environ)
    os.kill(pid, signal.SIGTERM)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGTERM


def loader() -> None:
    rows = DataLoader(TensorDataset(torch.arange(12)), batch_size=2, num_workers=2)
    assert sum(int(row.sum()) for (row,) in rows) == 66


def left_running() -> None:
    """A pool that is never closed, and a helper that would be waited for. The worker's end is theirs."""
    process = fork.Process(target=forever)
    process.start()
    kept.extend([fork.Pool(1), process])
    with open(Path(os.environ["CHECKPOINT_DIR"]) / "pids", "a") as file:
        file.write("".join(f"{child.pid}\n" for child in multiprocessing.active_children()))


def loop_of_events() -> None:
    async def handled() -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, print)
        await asyncio.sleep(0)
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, print)

    asyncio.run(handled())


KINDS: dict[str, Callable[[], object]] = {
    "none": int,
    "fork": lambda: terminated(fork),
    "spawn": lambda: terminated(multiprocessing.get_context("spawn")),
    "forkserver": lambda: terminated(multiprocessing.get_context("forkserver")),
    "killed": killed,
    "at_once": at_once,
    "pool": pool,
    "executor": lambda: executor(fork),
    "executor_spawn": lambda: executor(multiprocessing.get_context("spawn")),
    "by_hand": by_hand,
    "exits": exits,
    "daemon": daemon,
    "programs": programs,
    "loader": loader,
    "left_running": left_running,
    "asyncio": loop_of_events,
}


def train(job: ftc.Job) -> None:
    kind, *hold = job.args
    KINDS[kind]()
    torch.manual_seed(1)
    x = torch.randn(48, 8)
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 2))
    job.register(model=model, optimizer=torch.optim.Adam(model.parameters(), lr=0.01))
    for batch in job.batches(x, batch_size=24):
        while str(job.step_number) in hold and not (job.checkpoint_dir.parent / "go").exists():
            time.sleep(0.002)
        if job.step(model(batch.x).square().mean()) and job.step_number == 3:
            KINDS[kind]()
    KINDS[kind]()
    print("all helpers are done", flush=True)


ftc.run(train)
