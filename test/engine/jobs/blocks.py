"""As tiny.py, and on demand one worker's training thread stands still for good: it finds its own name in the file `block`."""

import socket
import threading
import time
from pathlib import Path

import ftc
import torch
import torch.nn.functional as F

ORDER = Path(__file__).parent / "block"


def train(job: ftc.Job) -> None:
    x = torch.randn(4800, 32)
    y = (x.sum(1) > 0).long()
    model = torch.nn.Linear(32, 2)
    job.register(model=model, optimizer=torch.optim.Adam(model.parameters(), lr=0.01))
    for batch in job.batches((x, y), batch_size=120):
        if ORDER.exists() and ORDER.read_text().strip() == socket.gethostname():
            threading.Lock().acquire()
            threading.Event().wait()
        time.sleep(0.01)
        job.step(F.cross_entropy(model(batch.x), batch.y))


ftc.run(train)
