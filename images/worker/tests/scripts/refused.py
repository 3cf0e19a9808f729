"""Scripts that cannot keep the promise of equal bits, each in its own way from step 3 on."""

import os
from typing import Any

import torch
from torch import nn

import ftc


def train(job: ftc.Job) -> None:
    (kind,) = job.args
    torch.manual_seed(1)
    x = torch.randn(48, 8)
    width = 40_000 if kind == "large" else 12
    model = nn.Sequential(nn.Linear(8, width), nn.ReLU(), nn.Linear(width, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    job.register(model=model, optimizer=optimizer)
    slices = done = 0
    for batch in job.batches(x, batch_size=24):
        slices += 1
        if job.step_number == 3:
            done += 1
            if done == 1:
                change(kind, model, optimizer)
            if kind == "within" and done == 2:
                model[0].requires_grad_(False)
            if kind == "by rank" and job.rank == 1:
                model[0].requires_grad_(False)
        if kind == "weights":
            job.step(model(batch.x).square().mean(), weight=len(batch) if slices % 2 else None)
        else:
            job.step(model(batch.x).square().mean())


def change(kind: str, model: nn.Sequential, optimizer: Any) -> None:
    if kind == "replaced":
        model[2] = nn.Linear(12, 2)
    elif kind == "group":
        optimizer.add_param_group({"params": [nn.Parameter(torch.ones(7, 3))]})
    elif kind == "large" and os.environ["FTC_WORKER_ID"] == "a":
        with torch.no_grad():
            model[0].weight.mul_(0.5)


ftc.run(train)
