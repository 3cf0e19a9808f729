"""Calls job.begin before its loop, and tells what is known then. data=sharded reads a folder; loop=steps|batches; size=…"""

from pathlib import Path
from typing import Any

import torch
from torch import nn

import ftc
from script_places import options, tell, wait


def known(job: ftc.Job) -> dict[str, Any]:
    found: dict[str, Any] = {"virtual": job.virtual_ranks}
    for name in ("total_steps", "steps_per_epoch"):
        try:
            found[name] = getattr(job, name)
        except ftc.UsageError as error:
            found[name] = str(error)
    return found


def decode(line: Any) -> Any:
    return torch.tensor(line["x"])


def train(job: ftc.Job) -> None:
    told = options(job)
    torch.manual_seed(2)
    model = nn.Sequential(nn.Linear(8, 17), nn.BatchNorm1d(17), nn.Dropout(0.2), nn.Linear(17, 2))
    job.register(model=model, optimizer=torch.optim.Adam(model.parameters(), lr=0.01))
    tell(job, before=known(job))
    if told.get("begin", "yes") == "yes":
        tell(job, began=job.begin(), again=job.begin(), number=job.step_number, known=known(job))
        wait(job, "began")
    data: Any = torch.randn(96, 8, generator=torch.Generator().manual_seed(1))
    if "data" in told:
        data = ftc.ShardedDataset(told["data"], transform=decode)
    size = int(told.get("size", 24))
    if told.get("loop") == "batches":
        for batch in job.batches(data, batch_size=size):
            wait(job, "slice")
            job.step(model(batch.x).square().mean())
    else:
        for step in job.steps(data, batch_size=size):
            if step.number == 0:
                tell(job, inside=known(job))
            for batch in step:
                wait(job, "slice")
                step.backward(model(batch.x).square().mean())
            step.commit()


ftc.run(train)
