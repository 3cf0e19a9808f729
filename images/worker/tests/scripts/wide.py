"""A state of 32 MB: moving it takes far longer than the patience of a wait."""

import torch
from torch import nn

import ftc


def train(job: ftc.Job) -> None:
    x = torch.ones(24, 4)
    model = nn.Sequential(nn.Linear(4, 2000), nn.ReLU(), nn.Linear(2000, 4000), nn.ReLU(), nn.Linear(4000, 1))
    job.register(model=model, optimizer=torch.optim.SGD(model.parameters(), lr=1e-4))
    for batch in job.batches(x, batch_size=12):
        job.step(model(batch.x).square().mean())


ftc.run(train)
