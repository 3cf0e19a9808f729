"""A job whose checkpoints take a while to write: a few megabytes of state, small steps. Arguments: width, seconds of pause a step."""

import sys
import time

import ftc
import torch
import torch.nn.functional as F

WIDTH, PAUSE = int(sys.argv[1]), float(sys.argv[2])


def train(job: ftc.Job) -> None:
    x = torch.randn(2400, 32)
    y = (x.sum(1) > 0).long()
    model = torch.nn.Sequential(
        torch.nn.Linear(32, WIDTH), torch.nn.ReLU(), torch.nn.Linear(WIDTH, WIDTH), torch.nn.ReLU(), torch.nn.Linear(WIDTH, 2)
    )
    job.register(model=model, optimizer=torch.optim.Adam(model.parameters(), lr=1e-3))
    for batch in job.batches((x, y), batch_size=48):
        time.sleep(PAUSE)
        job.step(F.cross_entropy(model(batch.x), batch.y))


ftc.run(train)
