"""A job of small steps for the tests: a little network on made-up data, with a pause a step so that there is time to break it."""

import os
import sys
import time

import ftc
import torch
import torch.nn.functional as F

PAUSE = float(sys.argv[1]) if len(sys.argv) > 1 else 0.02
FAIL_AT = int(sys.argv[2]) if len(sys.argv) > 2 else -1


def train(job: ftc.Job) -> None:
    x = torch.randn(4800, 32)
    y = (x.sum(1) > 0).long()
    width = int(os.environ.get("WIDTH", "64"))
    model = torch.nn.Sequential(
        torch.nn.Linear(32, width), torch.nn.BatchNorm1d(width), torch.nn.ReLU(), torch.nn.Dropout(0.1), torch.nn.Linear(width, 2)
    )
    job.register(model=model, optimizer=torch.optim.Adam(model.parameters(), lr=0.01))
    for batch in job.batches((x, y), batch_size=120):
        if job.step_number == FAIL_AT:
            raise ValueError(f"this script fails at step {FAIL_AT}")
        time.sleep(PAUSE / 4)
        job.step(F.cross_entropy(model(batch.x), batch.y))
    model.eval()
    job.log(accuracy=float((model(x).argmax(1) == y).float().mean()))


ftc.run(train)
