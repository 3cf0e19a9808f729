"""What a script does by itself after a step: an average of the parameters, registered, and weights held within bounds."""

import os
import time

import torch
from torch import nn

import ftc


class Average(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.values = nn.ParameterList([p.detach().clone() for p in model.parameters()])
        self.updates = nn.Buffer(torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        self.updates.add_(1)
        for own, value in zip(self.values, model.parameters()):
            own.lerp_(value, 0.1)


def hold(job: ftc.Job) -> None:
    """An argument `9` makes all wait before step 9 until the file `go` is there."""
    while str(job.step_number) in job.args and not (job.checkpoint_dir.parent / "go").exists():
        time.sleep(0.002)


def train(job: ftc.Job) -> None:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(112, 8, generator=generator)
    y = (x.sum(1) > 0).long()
    model = nn.Sequential(nn.Linear(8, 33), nn.BatchNorm1d(33), nn.ReLU(), nn.Linear(33, 2))
    average = Average(model)
    job.register(model=model, optimizer=torch.optim.Adam(model.parameters(), lr=0.05), average=average)
    for batch in job.batches((x, y), batch_size=24):
        hold(job)
        if job.step(nn.functional.cross_entropy(model(batch.x), batch.y)):
            average.update(model)
            for parameter in model.parameters():
                parameter.data.clamp_(-0.3, 0.3)
    job.log(updates=float(average.updates))
    assert os.environ["JOB_ID"] == "tiny"


ftc.run(train)
