"""Scripts that cannot keep the promise of equal bits, each in its own way from step 3 on."""

import os
from typing import Any

import torch
from torch import nn
from torch.amp.grad_scaler import GradScaler

import ftc


def train(job: ftc.Job) -> None:
    (kind,) = job.args
    torch.manual_seed(1)
    x = torch.randn(48, 8)
    width = 40_000 if kind == "large" else 12
    model = nn.Sequential(nn.Linear(8, width), nn.ReLU(), nn.Linear(width, 2))
    if kind in ("half unfrozen", "replaced always"):
        model[1] = Beside(torch.float16 if kind == "half unfrozen" else torch.float32)
    optimizer = torch.optim.SGD(model.parameters() if kind != "replaced always" else model[0].parameters(), lr=0.01)
    job.register(model=model, optimizer=optimizer, scaler=GradScaler("cpu") if kind == "half unfrozen" else None)
    slices = done = 0
    for batch in job.batches(x, batch_size=24):
        slices += 1
        if job.step_number == 3:
            done += 1
            if done == 1:
                change(kind, model, optimizer)
            if kind == "replaced always":
                model[1].weight = nn.Parameter(model[1].weight.detach() * 0.9, requires_grad=False)
            if kind == "grows always":
                model.append(nn.Linear(2, 2))
            if kind == "within" and done == 2:
                model[0].requires_grad_(False)
            if kind == "by rank" and job.rank == 1:
                model[0].requires_grad_(False)
        if kind == "no loss":
            job.step(model(batch.x))
        elif kind == "no gradient":
            job.step(model(batch.x).square().mean().detach())
        elif kind == "weights":
            job.step(model(batch.x).square().mean(), weight=len(batch) if slices % 2 else None)
        else:
            job.step(model(batch.x).square().mean())


class Beside(nn.Module):
    """Adds a little of a frozen parameter's square."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((1,), 0.1, dtype=dtype), requires_grad=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.relu() + self.weight.float().square()


def change(kind: str, model: nn.Sequential, optimizer: Any) -> None:
    if kind == "replaced":
        model[2] = nn.Linear(12, 2)
    elif kind == "half unfrozen":
        model[1].weight.requires_grad_(True)
    elif kind == "group":
        optimizer.add_param_group({"params": [nn.Parameter(torch.ones(7, 3))]})
    elif kind == "large" and os.environ["FTC_WORKER_ID"] == "a":
        with torch.no_grad():
            model[0].weight.mul_(0.5)


ftc.run(train)
