"""Everything that makes equal bits hard, small: dropout, BatchNorm, Adam, a schedule, clipping, a last batch not full.

An argument `4:b` makes worker b wait before its first slice of step 4 until the file `go` is there; `4:*` makes all.
"""

import os
import sys
import time

import torch
from torch import nn

import ftc


def hold(job: ftc.Job) -> None:
    for rule in job.args:
        step, worker = rule.split(":")
        if job.step_number == int(step) and worker in ("*", os.environ["FTC_WORKER_ID"]):
            while not (job.checkpoint_dir.parent / "go").exists():
                time.sleep(0.002)


def train(job: ftc.Job) -> None:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(112, 8, generator=generator)
    y = (x.sum(1) > 0).long()
    model = nn.Sequential(nn.Linear(8, 33), nn.BatchNorm1d(33), nn.ReLU(), nn.Dropout(0.3), nn.Linear(33, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 20)
    job.register(model=model, optimizer=optimizer, scheduler=scheduler, clip_norm=0.5)
    for batch in job.batches((x, y), batch_size=24):
        hold(job)
        job.step(nn.functional.cross_entropy(model(batch.x), batch.y))
    model.eval()
    with torch.no_grad():
        job.log(accuracy=(model(x).argmax(1) == y).float().mean().item())
    print("ended", job.step_number, file=sys.stderr)


ftc.run(train)
