"""Makes a number that is not finite: fault=loss|gradient|parameter in the steps from=… to=…. Logs as well, and registers generators of its own."""

import numpy as np
import torch
from torch import nn

import ftc
from script_places import options, tell, wait


def train(job: ftc.Job) -> None:
    told = options(job)
    first, last = int(told.get("from", 99)), int(told.get("to", 99))
    torch.manual_seed(2)
    x = torch.randn(96, 8)
    model = nn.Sequential(nn.Linear(8, 17), nn.BatchNorm1d(17), nn.Tanh(), nn.Linear(17, 2))
    own, numpy_own = torch.Generator().manual_seed(5), np.random.default_rng(6)
    job.register(model=model, optimizer=torch.optim.Adam(model.parameters(), lr=0.01), own=own, numpy_own=numpy_own)
    for batch in job.batches(x, batch_size=24):
        wait(job, "slice")
        step = job.step_number
        out = model(batch.x)
        slice_draw = torch.rand((), generator=job.generator("mine")).item()
        tell(job, at=step, first=int(batch.indices[0]), drawn=slice_draw, torch=torch.rand(()).item())
        loss = out.square().mean() + slice_draw * out.mean()
        job.log(first=float(batch.indices[0]), both=1.0)
        if first <= step <= last:
            if told["fault"] == "loss":
                loss = loss * float("nan")
            else:
                loss = loss + torch.sqrt(model[3].bias - model[3].bias.detach()).sum() * 0.0
        if job.step(loss):
            wait(job, "committed")
            draws = [torch.rand((), generator=own).item(), float(numpy_own.random())]
            job.log(both=2.0, after=draws[0], numpy=draws[1], named=torch.rand((), generator=job.generator("mine")).item())
            tell(job, committed=job.step_number, bias=model[3].bias.sum().item(), mean=model[1].running_mean.sum().item())


ftc.run(train)
