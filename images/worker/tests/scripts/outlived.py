"""Worker b starts a helper before step 4 and waits until the file `go` is there. The argument says of which kind the helper is.

The file `helper` tells its process, and the inodes of what the script itself has opened.
"""

import json
import multiprocessing
import os
import socket
import subprocess
import sys
import threading
import time
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

import ftc

HEIR = "import sys; print(1, flush=True); sys.stdin.read()"
kept: list[Any] = []


def forever(begun: Any) -> None:
    begun.set()
    threading.Event().wait()


class Slow(Dataset[int]):
    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> int:
        if index:
            time.sleep(600)
        return index


def forked() -> int:
    fork = multiprocessing.get_context("fork")
    begun = fork.Event()
    process = fork.Process(target=forever, args=(begun,), daemon=True)
    process.start()
    begun.wait()
    kept.append(process)
    return process.pid or 0


def program() -> int:
    process = subprocess.Popen([sys.executable, "-c", HEIR], stdin=subprocess.PIPE, stdout=subprocess.PIPE, close_fds=False)
    kept.append(process)
    assert process.stdout is not None and process.stdout.read(1)
    return process.pid


def from_a_thread() -> int:
    pids: list[int] = []
    thread = threading.Thread(target=lambda: pids.append(forked()))
    thread.start()
    thread.join()
    return pids[0]


def loader() -> int:
    rows = iter(DataLoader(Slow(), batch_size=1, num_workers=1))
    next(rows)
    kept.append(rows)
    return multiprocessing.active_children()[0].pid or 0


KINDS = {"forked": forked, "from_a_thread": from_a_thread, "program": program, "loader": loader}


def train(job: ftc.Job) -> None:
    root = job.checkpoint_dir.parent
    torch.manual_seed(1)
    x = torch.randn(48, 8)
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
    job.register(model=model, optimizer=torch.optim.Adam(model.parameters(), lr=0.01))
    own = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(own.getsockname())
    kept.extend([own, client])
    for batch in job.batches(x, batch_size=24):
        if job.step_number == 4 and os.environ["FTC_WORKER_ID"] == "b" and not (root / "helper").exists():
            pid = KINDS[job.args[0]]()
            told = {"pid": pid, "own": [os.fstat(sock.fileno()).st_ino for sock in (own, client)]}
            (root / "telling").write_text(json.dumps(told))
            (root / "telling").rename(root / "helper")
            while not (root / "go").exists():
                time.sleep(0.002)
        job.step(model(batch.x).square().mean())


ftc.run(train)
