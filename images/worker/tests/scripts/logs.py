"""Logs in every slice what differs from slice to slice, and once in a while after a commit."""

import torch
from torch import nn

import ftc


def train(job: ftc.Job) -> None:
    torch.manual_seed(2)
    x = torch.randn(96, 8)
    model = nn.Linear(8, 2)
    job.register(model=model, optimizer=torch.optim.Adam(model.parameters(), lr=0.01))
    for batch in job.batches(x, batch_size=24):
        job.log(inputs=float(batch.x.sum()))
        if job.step(model(batch.x).square().mean()) and job.step_number == 3:
            job.log(early=float(model.weight.detach().sum()))


ftc.run(train)
