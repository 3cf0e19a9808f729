"""As tiny.py, and on demand one worker's training thread stands still for good, or is slow: it finds its name in a file."""

import socket
import threading
import time
from pathlib import Path

import ftc
import torch
import torch.nn.functional as F

FOLDER = Path(__file__).parent


def ordered(deed: str) -> bool:
    file = FOLDER / deed
    return file.exists() and file.read_text().strip() == socket.gethostname()


def train(job: ftc.Job) -> None:
    x = torch.randn(4800, 32)
    y = (x.sum(1) > 0).long()
    model = torch.nn.Linear(32, 2)
    job.register(model=model, optimizer=torch.optim.Adam(model.parameters(), lr=0.01))
    for batch in job.batches((x, y), batch_size=120):
        if ordered("block"):
            threading.Lock().acquire()
            threading.Event().wait()
        time.sleep(0.06 if ordered("slow") else 0.01)
        job.step(F.cross_entropy(model(batch.x), batch.y))


ftc.run(train)
